// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/tiltfile/data"
)

// kind is the type of a setting as messages name it.
type kind string

const (
	kindBool    kind = "bool"
	kindObject  kind = "object"
	kindString  kind = "string"
	kindStrings kind = "list[string]"
)

// setting is defined by a call of config.define_*; its fields are the parameters.
type setting struct {
	kind kind
	Name string `arg:"name"`
	// Positional settings get the arguments that aren't flags.
	Positional bool   `arg:"args??"`
	Usage      string `arg:"usage??"`
}

// fromJSON returns the value for decoded JSON, nil for null.
func (s *setting) fromJSON(decoded any) (starlark.Value, error) {
	if decoded == nil {
		return nil, nil
	}
	list, isList := decoded.([]any)
	switch {
	case s.kind == kindStrings && !isList:
		return nil, fmt.Errorf("expected array of strings, found %s", typeOf(decoded))
	case s.kind == kindStrings:
		for _, element := range list {
			if typeOf(element) != string(kindString) {
				return nil, fmt.Errorf("expected string, found %s in the array", typeOf(element))
			}
		}
	case typeOf(decoded) != string(s.kind) && s.kind != kindObject:
		return nil, fmt.Errorf("expected %s, found %s", s.kind, typeOf(decoded))
	}
	return data.FromJSON(decoded)
}

// typeOf returns the name of a decoded value's type in JSON.
func typeOf(decoded any) string {
	switch decoded.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case string:
		return "string"
	case float64:
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

// value is the value of a setting in the arguments.
type value struct {
	*setting
	// value is nil until it is given.
	value starlark.Value
}

var _ pflag.Value = (*value)(nil)

// Set implements pflag.Value. Only lists can be given in several parts.
func (v *value) Set(text string) (err error) {
	list, _ := v.value.(*starlark.List)
	switch {
	case v.kind == kindStrings && list == nil:
		v.value = starlark.NewList([]starlark.Value{starlark.String(text)})
	case v.kind == kindStrings:
		return list.Append(starlark.String(text))
	case v.value != nil:
		return fmt.Errorf("%s settings can only be specified once. multiple values found (last value: %s)",
			v.kind, text)
	case v.kind == kindBool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("expected true or false")
		}
		v.value = starlark.Bool(b)
	case v.kind == kindObject:
		decoded, err := data.UnmarshalJSON([]byte(text))
		if err != nil {
			return fmt.Errorf("error parsing JSON: %w", err)
		}
		v.value, err = data.FromJSON(decoded)
		return err
	default:
		v.value = starlark.String(text)
	}
	return nil
}

// Type implements pflag.Value: the type in the usage.
func (v *value) Type() string { return string(v.kind) }

// String implements pflag.Value. Settings have no default that the usage could show.
func (v *value) String() string { return "" }
