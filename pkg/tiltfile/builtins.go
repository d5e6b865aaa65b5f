// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// library holds builtins by their full names, such as "os.getcwd".
type library map[string]starlark.Value

// function is the Go form of a builtin function.
type function = func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error)

// functions makes builtin functions, each called by its full name in errors.
func functions(byName map[string]function) library {
	l := make(library, len(byName))
	for name, f := range byName {
		l[name] = starlark.NewBuiltin(name, f)
	}
	return l
}

// universe is everything that a Tiltfile can use beyond Starlark itself.
func (e *evaluation) universe() starlark.StringDict {
	names := starlark.StringDict{}
	for _, l := range []library{
		refusedLibrary(),
		e.resourceLibrary(),
		probeLibrary(),
		e.messageLibrary(),
		e.settingsLibrary(),
		e.inertLibrary(),
		e.sysLibrary(),
		e.objectLibrary(),
		e.fileLibrary(),
		e.localLibrary(),
		e.dataLibrary(),
		e.includeLibrary(),
		e.environLibrary(),
		e.pathLibrary(),
		e.configLibrary(),
		valueLibrary(),
	} {
		for name, value := range l {
			define(names, "", name, value)
		}
	}
	return names
}

// define puts a value where its full name belongs, making the modules around
// it. The prefix is the name of the module that names holds the members of.
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
