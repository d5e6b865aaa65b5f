// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package data

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
)

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

// encoder turns values into what encoding/json encodes, with ints of at most maxBits; 0 is no limit.
type encoder struct{ maxBits int }

// value limits the depth: a value can contain itself.
func (e encoder) value(v starlark.Value, depth int) (any, error) {
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
		if e.maxBits > 0 && i.BitLen() > e.maxBits {
			return nil, fmt.Errorf("an int of more than %d bits can't be encoded", e.maxBits)
		}
		return i, nil
	case starlark.Float:
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("the float %s can't be encoded", v)
		}
		return float64(v), nil
	case starlark.IterableMapping:
		return e.dict(v, depth)
	case starlark.Tuple, *starlark.List:
		list := []any{}
		for element := range starlark.Elements(v.(starlark.Iterable)) {
			encoded, err := e.value(element, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, encoded)
		}
		return list, nil
	}
	return nil, fmt.Errorf("a %s can't be encoded", v.Type())
}

func (e encoder) dict(v starlark.IterableMapping, depth int) (any, error) {
	dict := map[string]any{}
	for _, item := range v.Items() {
		key, ok := starlark.AsString(item[0])
		if !ok {
			return nil, fmt.Errorf("only string keys are supported in maps. found key '%s' of type %s",
				item[0], item[0].Type())
		}
		value, err := e.value(item[1], depth+1)
		if err != nil {
			return nil, err
		}
		dict[key] = value
	}
	return dict, nil
}
