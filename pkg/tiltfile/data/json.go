// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.starlark.net/starlark"
)

// DecodeJSON returns the value of a text that is one JSON value. Ints stay exact.
func DecodeJSON(content []byte) (starlark.Value, error) {
	decoded, err := decodeJSON(content, true)
	if err != nil {
		return nil, err
	}
	return FromJSON(decoded)
}

// UnmarshalJSON returns the decoded form of a text that is one JSON value, with float64 for each number.
func UnmarshalJSON(content []byte) (any, error) { return decodeJSON(content, false) }

// decodeJSON adds the line and the column to the errors of the decoder. Exact decodes numbers as json.Number.
func decodeJSON(content []byte, exact bool) (decoded any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(content))
	if exact {
		decoder.UseNumber()
	}
	err = decoder.Decode(&decoded)
	offset := len(content)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		rest := bytes.TrimLeft(content[decoder.InputOffset():], " \t\r\n")
		if len(rest) == 0 {
			return decoded, nil
		}
		offset -= len(rest)
		err = errors.New("unexpected text after the value")
	case errors.As(err, &syntax):
		offset = int(syntax.Offset) - 1
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("unexpected end of JSON input")
	}
	before := content[:min(max(offset, 0), len(content))]
	line, column := bytes.Count(before, []byte("\n"))+1, len(before)-bytes.LastIndexByte(before, '\n')
	return nil, fmt.Errorf("line %d, column %d: %w", line, column, err)
}

// EncodeJSON returns a value as indented JSON with sorted keys.
func EncodeJSON(v starlark.Value) (string, error) {
	encodable, err := encoder{}.value(v, 0)
	if err != nil {
		return "", err
	}
	content, err := json.MarshalIndent(encodable, "", "  ")
	return string(content) + "\n", err
}
