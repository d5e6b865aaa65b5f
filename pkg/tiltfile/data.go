// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
)

func (e *evaluation) dataLibrary() library {
	return functions(map[string]function{
		"decode_json":        e.decodeJSON,
		"decode_yaml":        e.decodeYAML,
		"decode_yaml_stream": e.decodeYAMLStream,
		"encode_json":        e.encodeJSON,
		"encode_yaml":        e.encodeYAML,
		"encode_yaml_stream": e.encodeYAMLStream,
		"filter_yaml":        e.filterYAML,
		"read_json":          e.readJSON,
		"read_yaml":          e.readYAML,
		"read_yaml_stream":   e.readYAMLStream,
	})
}

const (
	// maxNesting is how deeply data may be nested, the same as in the decoders.
	maxNesting = 10_000
	// maxDigits is the most digits of an int in JSON: reading one takes the
	// square of them.
	maxDigits = 10_000
)

// fromData makes a Starlark value of decoded data: nil, bool, string, a number,
// []any, map[string]any or map[any]any. The keys of a dict come in sorted
// order, so that the same data is always gone through in the same order.
func fromData(data any) (starlark.Value, error) {
	switch data := data.(type) {
	case nil:
		return starlark.None, nil
	case bool:
		return starlark.Bool(data), nil
	case string:
		return starlark.String(data), nil
	case int:
		return starlark.MakeInt(data), nil
	case int64:
		return starlark.MakeInt64(data), nil
	case uint64:
		return starlark.MakeUint64(data), nil
	case float64:
		return starlark.Float(data), nil
	case json.Number:
		return fromNumber(string(data))
	case []any:
		return fromList(data)
	case map[string]any:
		return fromMap(data)
	case map[any]any:
		return fromYAMLMap(data)
	}
	return nil, fmt.Errorf("%v can't be used in a Tiltfile", data)
}

// fromNumber makes an int of a JSON number without a fraction or an exponent,
// else a float.
func fromNumber(text string) (starlark.Value, error) {
	if strings.ContainsAny(text, ".eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("the number %s is too large", text)
		}
		return starlark.Float(f), nil
	}
	if len(text) > maxDigits {
		return nil, fmt.Errorf("a number has %d digits", len(text))
	}
	i, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return nil, fmt.Errorf("invalid number %q", text)
	}
	return starlark.MakeBigInt(i), nil
}

func fromList(data []any) (starlark.Value, error) {
	elements := make([]starlark.Value, len(data))
	for i, element := range data {
		value, err := fromData(element)
		if err != nil {
			return nil, err
		}
		elements[i] = value
	}
	return starlark.NewList(elements), nil
}

func fromMap(data map[string]any) (starlark.Value, error) {
	dict := starlark.NewDict(len(data))
	for _, key := range slices.Sorted(maps.Keys(data)) {
		value, err := fromData(data[key])
		if err != nil {
			return nil, err
		}
		if err := dict.SetKey(starlark.String(key), value); err != nil {
			return nil, err
		}
	}
	return dict, nil
}

// fromYAMLMap makes strings of the keys that YAML takes for something else.
func fromYAMLMap(data map[any]any) (starlark.Value, error) {
	named := make(map[string]any, len(data))
	for key, value := range data {
		switch key.(type) {
		case string, bool, int, int64, uint64, float64:
		default:
			return nil, fmt.Errorf("the key %v is neither a string nor a number", key)
		}
		name := fmt.Sprint(key)
		if _, ok := named[name]; ok {
			return nil, fmt.Errorf("the key %s is there as a string and as something else", name)
		}
		named[name] = value
	}
	return fromMap(named)
}

// exporter turns Starlark values into data for an encoder. It guards against
// values that contain themselves or are, written down, larger than memory.
type exporter struct {
	// room is how many more bytes may be written, roughly.
	room int64
	// limit is what room was at the beginning.
	limit int64
	depth int
	// within are the lists and mappings that are being written.
	within map[starlark.Value]bool
}

func newExporter(limit int64) *exporter {
	return &exporter{room: limit, limit: limit, within: map[starlark.Value]bool{}}
}

// use takes room for a value on a line of its own.
func (x *exporter) use(length int) error {
	x.room -= int64(length + 2*x.depth + 1)
	if x.room < 0 {
		return explainDataSize(tooLarge{"the value, written down,", x.limit})
	}
	return nil
}

// data returns v as nil, bool, string, float64, *big.Int, []any or
// map[string]any.
func (x *exporter) data(v starlark.Value) (any, error) {
	if x.depth++; x.depth > maxNesting {
		return nil, fmt.Errorf("the value is nested more than %d deep", maxNesting)
	}
	defer func() { x.depth-- }()
	switch v := v.(type) {
	case starlark.Tuple:
		return x.list(v)
	case starlark.IterableMapping, *starlark.List:
		if x.within[v] {
			return nil, errors.New("the value contains itself")
		}
		x.within[v] = true
		defer delete(x.within, v)
		if dict, ok := v.(starlark.IterableMapping); ok {
			return x.dict(dict)
		}
		return x.list(v.(*starlark.List))
	}
	return x.scalar(v)
}

func (x *exporter) scalar(v starlark.Value) (any, error) {
	const short = 8
	switch v := v.(type) {
	case starlark.NoneType:
		return nil, x.use(short)
	case starlark.Bool:
		return bool(v), x.use(short)
	case starlark.String:
		return strings.ToValidUTF8(string(v), "\uFFFD"), x.use(len(v))
	case blob:
		return strings.ToValidUTF8(string(v), "\uFFFD"), x.use(len(v))
	case starlark.Int:
		i := v.BigInt()
		if i.BitLen() > 4*maxDigits {
			return nil, fmt.Errorf("an int of %d bits is too large", i.BitLen())
		}
		return i, x.use(i.BitLen()/3 + 1)
	case starlark.Float:
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("the float %s can't be written", v)
		}
		return float64(v), x.use(short)
	}
	return nil, fmt.Errorf("a %s can't be written", v.Type())
}

func (x *exporter) list(v starlark.Sequence) (any, error) {
	list := []any{}
	for element := range starlark.Elements(v) {
		data, err := x.data(element)
		if err != nil {
			return nil, err
		}
		list = append(list, data)
	}
	return list, x.use(2)
}

func (x *exporter) dict(v starlark.IterableMapping) (any, error) {
	items := v.Items()
	dict := make(map[string]any, len(items))
	for _, item := range items {
		key, ok := starlark.AsString(item[0])
		if !ok {
			return nil, fmt.Errorf("only string keys are supported in maps. found key '%s' of type %s", item[0], item[0].Type())
		}
		if err := x.use(len(key)); err != nil {
			return nil, err
		}
		data, err := x.data(item[1])
		if err != nil {
			return nil, err
		}
		dict[key] = data
	}
	return dict, x.use(2)
}
