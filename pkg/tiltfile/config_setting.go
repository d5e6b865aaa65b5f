// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"go.starlark.net/starlark"
)

// settingKind is the type of a setting, as it's called in messages.
type settingKind string

const (
	settingBool    settingKind = "bool"
	settingObject  settingKind = "object"
	settingString  settingKind = "string"
	settingStrings settingKind = "list[string]"
)

// setting is something that can be given in the arguments or in the
// configuration file.
type setting struct {
	kind  settingKind
	name  string
	usage string
	// positional settings get the arguments that aren't flags.
	positional bool
}

// ofData makes the value of a setting of decoded JSON, nil of null.
func (s *setting) ofData(data any) (starlark.Value, error) {
	if data == nil {
		return nil, nil
	}
	switch s.kind {
	case settingObject:
		return fromData(data)
	case settingBool:
		if b, ok := data.(bool); ok {
			return starlark.Bool(b), nil
		}
	case settingString:
		if text, ok := data.(string); ok {
			return starlark.String(text), nil
		}
	case settingStrings:
		if list, ok := data.([]any); ok {
			return stringsOfData(list)
		}
		return nil, fmt.Errorf("expected array of strings, found %s", jsonType(data))
	}
	return nil, fmt.Errorf("expected %s, found %s", s.kind, jsonType(data))
}

func stringsOfData(data []any) (starlark.Value, error) {
	var elements []starlark.Value
	for _, element := range data {
		text, ok := element.(string)
		if !ok {
			return nil, fmt.Errorf("expected string, found %s in the array", jsonType(element))
		}
		elements = append(elements, starlark.String(text))
	}
	return starlark.NewList(elements), nil
}

// jsonType is what a decoded value is called in JSON.
func jsonType(data any) string {
	switch data.(type) {
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

// settingValue is a setting as a flag.
type settingValue struct {
	*setting
	// value is nil as long as nothing was given.
	value starlark.Value
}

var _ pflag.Value = (*settingValue)(nil)

// Set takes over what's given for a setting. Only lists can be given in
// several parts.
func (v *settingValue) Set(text string) error {
	if v.kind == settingStrings {
		list, ok := v.value.(*starlark.List)
		if !ok {
			list = starlark.NewList(nil)
			v.value = list
		}
		return list.Append(starlark.String(text))
	}
	if v.value != nil {
		return fmt.Errorf("%s settings can only be specified once. multiple values found (last value: %s)", v.kind, text)
	}
	value, err := v.ofText(text)
	v.value = value
	return err
}

func (v *settingValue) ofText(text string) (starlark.Value, error) {
	switch v.kind {
	case settingBool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return nil, errors.New("expected true or false")
		}
		return starlark.Bool(b), nil
	case settingObject:
		var data any
		if err := unmarshalJSON(json.NewDecoder(strings.NewReader(text)), []byte(text), &data); err != nil {
			return nil, fmt.Errorf("error parsing JSON: %w", err)
		}
		return fromData(data)
	}
	return starlark.String(text), nil
}

// Type returns how the type is called in the usage.
func (v *settingValue) Type() string { return string(v.kind) }

// String returns nothing: settings have no default that the usage could show.
func (v *settingValue) String() string { return "" }
