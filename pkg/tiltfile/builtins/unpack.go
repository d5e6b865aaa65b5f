// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.starlark.net/starlark"
)

// Unpack stores the arguments of the call in the fields of the struct that parameters points to, in the order of the
// fields:
//
//	var a struct {
//		Path    Path   `arg:"path,alias=paths"`
//		Default Text   `arg:"default??"`
//		Limit   int    `arg:"limit??,keyword"`
//	}
//
// "?" and "??" after a name mean the same as for starlark.UnpackArgs; such a field keeps its value when the argument
// is left out. The alias is another name for the argument, which errors don't use. A parameter with "keyword" can't
// be given by position. A field is of a type that starlark.UnpackArgs can set or a starlark.Unpacker. The fields of an
// embedded struct are parameters too.
func (c *Call) Unpack(parameters any) error {
	p := parametersOf(parameters)
	if len(c.Args) > p.positional && p.positional < len(p.pairs)/2 {
		return fmt.Errorf("%s: got %d arguments, want at most %d", c.Name, len(c.Args), p.positional)
	}
	kwargs := slices.Clone(c.Kwargs)
	for i, kwarg := range kwargs {
		if name, ok := p.aliases[kwarg[0]]; ok {
			kwargs[i] = starlark.Tuple{name, kwarg[1]}
		}
	}
	return starlark.UnpackArgs(c.Name, c.Args, kwargs, p.pairs...)
}

// parameterList describes the parameters of a builtin.
type parameterList struct {
	// pairs are names and pointers for starlark.UnpackArgs.
	pairs      []any
	positional int
	aliases    map[starlark.Value]starlark.String
}

func parametersOf(parameters any) *parameterList {
	p := &parameterList{aliases: map[starlark.Value]starlark.String{}}
	p.add(reflect.ValueOf(parameters).Elem())
	return p
}

func (p *parameterList) add(v reflect.Value) {
	for i := range v.NumField() {
		tag, ok := v.Type().Field(i).Tag.Lookup("arg")
		if !ok {
			if v.Type().Field(i).Anonymous {
				p.add(v.Field(i))
			}
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		if alias, ok := strings.CutPrefix(option, "alias="); ok {
			p.aliases[starlark.String(alias)] = starlark.String(strings.TrimRight(name, "?"))
		}
		if option != "keyword" {
			p.positional++
		}
		p.pairs = append(p.pairs, name, v.Field(i).Addr().Interface())
	}
}

// given returns the arguments of the call as a frozen dict, in the order of the parameters.
func (c *Call) given(parameters any) (*starlark.Dict, error) {
	given := new(starlark.Dict)
	pairs := parametersOf(parameters).pairs
	for i := range len(pairs) / 2 {
		name := starlark.String(strings.TrimRight(pairs[2*i].(string), "?"))
		var value starlark.Value = starlark.None
		if i < len(c.Args) {
			value = c.Args[i]
		}
		for _, kwarg := range c.Kwargs {
			if kwarg[0] == name {
				value = kwarg[1]
			}
		}
		if value == starlark.None {
			continue
		}
		if err := given.SetKey(name, value); err != nil {
			return nil, err
		}
	}
	given.Freeze()
	return given, nil
}
