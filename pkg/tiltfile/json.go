// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.starlark.net/starlark"
)

// readJSON is read_json(path, default=None).
func (e *evaluation) readJSON(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	content, path, fallback, err := e.readData(fn, args, kwargs)
	if err != nil || fallback != nil {
		return fallback, err
	}
	return parseJSON(e.ctx, content, " from "+path)
}

// decodeJSON is decode_json(json).
func (e *evaluation) decodeJSON(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var content text
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "json", &content); err != nil {
		return nil, err
	}
	if err := e.checkDataSize(len(content), "the text"); err != nil {
		return nil, err
	}
	return parseJSON(e.ctx, []byte(content), "")
}

// parseJSON returns the value that a text stands for. Where the text is from is
// for errors.
func parseJSON(ctx context.Context, content []byte, from string) (starlark.Value, error) {
	var data any
	decoder := json.NewDecoder(contextReader{ctx, bytes.NewReader(content)})
	decoder.UseNumber() // Ints stay exact.
	err := unmarshalJSON(decoder, content, &data)
	if err != nil {
		return nil, fmt.Errorf("error parsing JSON%s: %w", from, err)
	}
	value, err := fromData(data)
	if err != nil {
		return nil, fmt.Errorf("error parsing JSON%s: %w", from, err)
	}
	return value, nil
}

// unmarshalJSON decodes one JSON value, which is the whole content. Its errors
// have the line.
func unmarshalJSON(decoder *json.Decoder, content []byte, into *any) error {
	err := decoder.Decode(into)
	offset := len(content)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		rest := bytes.TrimLeft(content[decoder.InputOffset():], " \t\r\n")
		if len(rest) == 0 {
			return nil
		}
		offset -= len(rest)
		err = errors.New("more text follows the value")
	case errors.As(err, &syntax):
		offset = int(syntax.Offset) - 1
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("unexpected end of JSON input")
	}
	return fmt.Errorf("%s: %w", place(content, offset), err)
}

// place tells the line and the column of a byte.
func place(content []byte, offset int) string {
	before := content[:min(max(offset, 0), len(content))]
	line := bytes.Count(before, []byte("\n")) + 1
	return fmt.Sprintf("line %d, column %d", line, len(before)-bytes.LastIndexByte(before, '\n'))
}

// encodeJSON is encode_json(obj): JSON in lines, with sorted keys.
func (e *evaluation) encodeJSON(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var object starlark.Value
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "obj", &object); err != nil {
		return nil, err
	}
	data, err := newExporter(e.limits.readSize).data(object)
	if err != nil {
		return nil, err
	}
	content, err := json.MarshalIndent(data, "", "  ")
	if err != nil {
		return nil, err
	}
	return starlark.String(content) + "\n", nil
}
