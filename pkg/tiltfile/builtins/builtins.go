// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package builtins has the functions and values that a Tiltfile can use beyond Starlark itself, in one file for each
// subject.
//
// A subject is a Library. Evaluation is what the subjects share, and it holds the simple ones; a subject with a state
// of its own is a struct with a Library method. A new builtin is a method or function of the form of Function in the
// file of its subject, and an entry of that subject's Library. A new subject is also an entry of the list in package
// tiltfile that creates the subjects of an evaluation. A large subject, such as config, is a package that imports this
// one.
//
// A builtin declares its parameters as the fields of a struct, see Unpacking and Call.Unpack.
package builtins

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"tilt.dev/session/pkg/model"

	"tilt.dev/session/pkg/tiltfile/data"
)

// Library holds builtins by their full names, such as "os.getcwd".
type Library map[string]starlark.Value

// Function is the Go form of a builtin function. A nil value stands for None.
type Function func(*Call) (starlark.Value, error)

// Call is one call of a builtin function.
type Call struct {
	// Name is the full name of the function, for errors.
	Name   string
	Args   starlark.Tuple
	Kwargs []starlark.Tuple
	Thread *starlark.Thread
}

// Position returns where in a Tiltfile the call is.
func (c *Call) Position() syntax.Position { return c.Thread.CallFrame(1).Pos }

// Place returns a position as the model has it.
func Place(p syntax.Position) model.Position {
	return model.Position{File: p.Filename(), Line: int(p.Line)}
}

// Unpacking returns the Function that calls f with its arguments, unpacked as Call.Unpack does. P is the struct for
// its parameters.
func Unpacking[P any](f func(P) (starlark.Value, error)) Function {
	return func(c *Call) (starlark.Value, error) {
		var parameters P
		if err := c.Unpack(&parameters); err != nil {
			return nil, err
		}
		return f(parameters)
	}
}

// Functions returns functions as builtins.
func Functions(byName map[string]Function) Library {
	l := make(Library, len(byName))
	for name, f := range byName {
		l[name] = builtin(name, f)
	}
	return l
}

// builtin returns a builtin. Its arguments aren't nested too deeply to be printed, frozen or encoded.
func builtin(name string, f Function) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(
		thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
	) (starlark.Value, error) {
		values := []starlark.Value{args}
		for _, kwarg := range kwargs {
			values = append(values, kwarg[1])
		}
		if err := data.CheckNesting(values...); err != nil {
			return nil, err
		}
		value, err := f(&Call{name, args, kwargs, thread})
		if value == nil && err == nil {
			value = starlark.None
		}
		return value, err
	})
}

// Universe joins libraries, with a module for each part of a name that a dot follows. Where two have the same name,
// the later one counts.
func Universe(libraries ...Library) starlark.StringDict {
	names := starlark.StringDict{}
	for _, l := range libraries {
		for name, value := range l {
			define(names, "", name, value)
		}
	}
	return names
}

// define adds a value to the module that its name belongs to. The prefix is the name of the module whose members are
// names.
func define(names starlark.StringDict, prefix, name string, value starlark.Value) {
	first, rest, nested := strings.Cut(name, ".")
	if !nested {
		names[name] = value
		return
	}
	inner, ok := names[first].(*starlarkstruct.Module)
	if !ok {
		inner = &starlarkstruct.Module{Name: prefix + first, Members: starlark.StringDict{}}
		names[first] = inner
	}
	define(inner.Members, inner.Name+".", rest, value)
}

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
