// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package data reads, decodes and encodes the data of a Tiltfile: files and streams, JSON, YAML, Kubernetes objects
// and shell words.
//
// It knows Starlark values, but neither the builtins that use it nor the evaluation that they belong to.
package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
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
func EncodeJSON(v starlark.Value) (starlark.String, error) {
	encodable, err := encode(v, 0, 0)
	if err != nil {
		return "", err
	}
	content, err := json.MarshalIndent(encodable, "", "  ")
	return starlark.String(content) + "\n", err
}

// maxNesting is how deeply data may be nested, the same as in the decoders.
const maxNesting = 10_000

// FromJSON returns the Starlark value of decoded JSON. The keys of a dict come in sorted order.
func FromJSON(decoded any) (starlark.Value, error) {
	switch decoded := decoded.(type) {
	case nil:
		return starlark.None, nil
	case bool:
		return starlark.Bool(decoded), nil
	case string:
		return starlark.String(decoded), nil
	case float64:
		return starlark.Float(decoded), nil
	case json.Number:
		return fromNumber(string(decoded))
	case []any:
		elements := make([]starlark.Value, len(decoded))
		for i, element := range decoded {
			value, err := FromJSON(element)
			if err != nil {
				return nil, err
			}
			elements[i] = value
		}
		return starlark.NewList(elements), nil
	case map[string]any:
		dict := starlark.NewDict(len(decoded))
		for _, key := range slices.Sorted(maps.Keys(decoded)) {
			value, err := FromJSON(decoded[key])
			if err != nil {
				return nil, err
			}
			if err := dict.SetKey(starlark.String(key), value); err != nil {
				return nil, err
			}
		}
		return dict, nil
	}
	return nil, fmt.Errorf("unexpected %T", decoded)
}

// fromNumber returns an int for a number without a fraction or an exponent, else a float.
func fromNumber(text string) (starlark.Value, error) {
	if i, ok := new(big.Int).SetString(text, 10); ok {
		return starlark.MakeBigInt(i), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("the number %s is too large", text)
	}
	return starlark.Float(f), nil
}

// encode turns a value into what encoding/json encodes, with ints of at most maxBits; 0 is no limit. It limits the
// depth: a value can contain itself.
func encode(v starlark.Value, maxBits, depth int) (any, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("the value is nested more than %d deep, or contains itself", maxNesting)
	}
	if text, ok := AsText(v); ok {
		return strings.ToValidUTF8(text, "\uFFFD"), nil
	}
	switch v := v.(type) {
	case starlark.NoneType:
		return nil, nil
	case starlark.Bool:
		return bool(v), nil
	case starlark.Int:
		i := v.BigInt()
		if maxBits > 0 && i.BitLen() > maxBits {
			return nil, fmt.Errorf("an int of more than %d bits can't be encoded", maxBits)
		}
		return i, nil
	case starlark.Float:
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("the float %s can't be encoded", v)
		}
		return float64(v), nil
	case starlark.IterableMapping:
		return encodeDict(v, maxBits, depth)
	case starlark.Tuple, *starlark.List:
		list := []any{}
		for element := range starlark.Elements(v.(starlark.Iterable)) {
			encoded, err := encode(element, maxBits, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, encoded)
		}
		return list, nil
	}
	return nil, fmt.Errorf("a %s can't be encoded", v.Type())
}

func encodeDict(v starlark.IterableMapping, maxBits, depth int) (any, error) {
	dict := map[string]any{}
	for _, item := range v.Items() {
		key, ok := starlark.AsString(item[0])
		if !ok {
			return nil, fmt.Errorf("only string keys are supported in maps. found key '%s' of type %s",
				item[0], item[0].Type())
		}
		value, err := encode(item[1], maxBits, depth+1)
		if err != nil {
			return nil, err
		}
		dict[key] = value
	}
	return dict, nil
}

// maxHeight is how deeply values may be nested when a builtin gets them or they become globals of a file: more than
// what the decoders return.
const maxHeight = 2 * maxNesting

// CheckNesting returns an error for values that are nested too deeply. Starlark prints and freezes a value by
// recursion, and a program can't recover from the overflow of its stack. A value that contains itself isn't an error.
func CheckNesting(values ...starlark.Value) error {
	_, err := nesting{}.height(starlark.Tuple(values), 0)
	return err
}

// nesting holds the heights of the values that contain others. The height is 0 for a value that is being measured.
type nesting map[any]int

func (n nesting) height(v starlark.Value, depth int) (int, error) {
	children := childrenOf(v)
	if len(children) == 0 {
		return 0, nil
	}
	var key any = v
	if tuple, ok := v.(starlark.Tuple); ok {
		key = unsafe.SliceData(tuple)
	}
	height, known := n[key]
	if !known && depth <= maxHeight {
		n[key] = 0
		for _, child := range children {
			below, err := n.height(child, depth+1)
			if err != nil {
				return 0, err
			}
			height = max(height, below+1)
		}
		n[key] = height
	}
	if depth+height > maxHeight {
		return 0, fmt.Errorf("a value is nested more than %d deep", maxHeight)
	}
	return height, nil
}

// childrenOf returns the values that another one prints or freezes.
func childrenOf(v starlark.Value) (children []starlark.Value) {
	switch v := v.(type) {
	case *starlark.List, *starlark.Set:
		return slices.Collect(starlark.Elements(v.(starlark.Iterable)))
	case starlark.Tuple:
		return v
	case *starlark.Dict:
		for key, value := range v.Entries() {
			children = append(children, key, value)
		}
	case interface{ ToStringDict(starlark.StringDict) }: // a struct
		fields := starlark.StringDict{}
		v.ToStringDict(fields)
		return slices.Collect(maps.Values(fields))
	case *starlarkstruct.Module:
		return slices.Collect(maps.Values(v.Members))
	case *starlark.Builtin:
		return []starlark.Value{v.Receiver()}
	case *starlark.Function:
		for i := range v.NumFreeVars() {
			_, value := v.FreeVar(i)
			children = append(children, value)
		}
		for i := range v.NumParams() {
			children = append(children, v.ParamDefault(i))
		}
	}
	return children
}

// Blob is text from a file or a command. Unlike a string it has no methods: str(b) returns one.
type Blob string

var _ starlark.Value = Blob("")

// String returns the text itself, so that str(b) does.
func (b Blob) String() string { return string(b) }

// Type implements starlark.Value.
func (b Blob) Type() string { return "blob" }

// Freeze implements starlark.Value.
func (b Blob) Freeze() {}

// Truth implements starlark.Value.
func (b Blob) Truth() starlark.Bool { return b != "" }

// Hash implements starlark.Value.
func (b Blob) Hash() (uint32, error) { return starlark.String(b).Hash() }

// AsText returns the text of a string or a blob.
func AsText(v starlark.Value) (string, bool) {
	if b, ok := v.(Blob); ok {
		return string(b), true
	}
	return starlark.AsString(v)
}

// QuoteWord returns a text as one word of a POSIX shell command.
func QuoteWord(s string) string {
	unsafe := func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-", r)
	}
	if s != "" && !strings.ContainsFunc(s, unsafe) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}
