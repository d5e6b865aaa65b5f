// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"fmt"
	"path/filepath"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"tilt.dev/session/pkg/tiltfile/builtins"
	"tilt.dev/session/pkg/tiltfile/data"
)

// dialect is what a Tiltfile may use beyond standard Starlark.
var dialect = syntax.FileOptions{
	Set:             true,
	While:           true,
	TopLevelControl: true,
	GlobalReassign:  true,
	Recursion:       true,
}

// load executes the file that a load statement names, unless it was executed before, and returns its globals.
func (e *evaluation) load(name string) (starlark.StringDict, error) {
	path, err := e.modulePath(name)
	if err != nil {
		return nil, err
	}
	if globals, ok := e.modules[path]; ok {
		if globals == nil {
			//lint:ignore ST1005 The words that users of Tilt know.
			return nil, fmt.Errorf("Circular load: %s", path)
		}
		return globals, nil
	}
	source, err := e.readSource(path)
	if err != nil {
		return nil, err
	}
	return e.execute(path, filepath.Base(path), source)
}

// execute runs the source of the file at an absolute path and returns its globals.
func (e *evaluation) execute(path, name string, source []byte) (starlark.StringDict, error) {
	e.modules[path] = nil
	predeclared := starlark.StringDict{"__file__": starlark.String(path), "__name__": starlark.String(name)}
	for builtin, value := range e.builtins {
		predeclared[builtin] = value
	}
	predeclared["config"] = e.configOf(predeclared["config"])
	_, program, err := starlark.SourceProgramOptions(&dialect, path, source, predeclared.Has)
	if err != nil {
		return nil, sourceFailure(err)
	}
	globals, err := program.Init(e.Thread, predeclared)
	if err != nil {
		return nil, err
	}
	for _, name := range globals.Keys() {
		if err := data.CheckNesting(globals[name]); err != nil {
			return nil, fmt.Errorf("%s: global variable %s: %w", path, name, err)
		}
	}
	globals.Freeze()
	e.modules[path] = globals
	return globals, nil
}

// readSource returns the content of the Tiltfile at an absolute path.
func (e *evaluation) readSource(path string) ([]byte, error) {
	source, err := e.ReadSource(path)
	if err != nil {
		return nil, fmt.Errorf("error reading file %s: %w", path, err)
	}
	return source, nil
}

// library has the builtins that execute other files or define extensions.
func (e *evaluation) library() builtins.Library {
	return builtins.Functions(map[string]builtins.Function{
		"include":                 builtins.Unpacking(e.include),
		"load_dynamic":            builtins.Unpacking(e.loadDynamic),
		"v1alpha1.extension":      builtins.Defining(e.objects, e.defineExtension),
		"v1alpha1.extension_repo": builtins.Defining(e.objects, e.defineRepo),
	})
}

// include is include(path): it executes a file for its effects.
func (e *evaluation) include(a builtins.OnePath) (starlark.Value, error) {
	if _, err := e.load(string(a.Path)); err != nil {
		return nil, fmt.Errorf("cannot include %s: %w", a.Path, err)
	}
	return nil, nil
}

// loadDynamic is load_dynamic(path): it executes a file and returns its globals as a frozen dict.
func (e *evaluation) loadDynamic(a builtins.OnePath) (starlark.Value, error) {
	globals, err := e.load(string(a.Path))
	if err != nil {
		return nil, fmt.Errorf("cannot load %s: %w", a.Path, err)
	}
	dict := starlark.NewDict(len(globals))
	for _, name := range globals.Keys() {
		if err := dict.SetKey(starlark.String(name), globals[name]); err != nil {
			return nil, err
		}
	}
	dict.Freeze()
	return dict, nil
}
