// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"fmt"
	"path/filepath"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// dialect is what a Tiltfile may use beyond standard Starlark.
var dialect = syntax.FileOptions{
	Set:             true,
	While:           true,
	TopLevelControl: true,
	GlobalReassign:  true,
	Recursion:       true,
}

// module is a file that was executed.
type module struct {
	globals starlark.StringDict
}

// load executes a file for a load statement.
func (e *evaluation) load(_ *starlark.Thread, name string) (starlark.StringDict, error) {
	path, err := e.modulePath(name)
	if err != nil {
		return nil, err
	}
	if loaded, ok := e.modules[path]; ok {
		if loaded == nil {
			//lint:ignore ST1005 The words that users of Tilt know.
			return nil, fmt.Errorf("Circular load: %s", path)
		}
		return loaded.globals, nil
	}
	source, err := e.readSource(path)
	if err != nil {
		return nil, err
	}
	return e.execute(path, filepath.Base(path), source)
}

// execute runs the source of the file at an absolute path and remembers its
// globals.
func (e *evaluation) execute(path, name string, source []byte) (starlark.StringDict, error) {
	e.modules[path] = nil
	predeclared := starlark.StringDict{"__file__": starlark.String(path), "__name__": starlark.String(name)}
	for builtin, value := range e.builtins {
		predeclared[builtin] = value
	}
	_, program, err := starlark.SourceProgramOptions(&dialect, path, source, predeclared.Has)
	if err != nil {
		return nil, sourceFailure(err)
	}
	globals, err := program.Init(e.thread, predeclared)
	if err != nil {
		return nil, err
	}
	globals.Freeze()
	e.modules[path] = &module{globals}
	return globals, nil
}

// readSource returns the content of the file at an absolute path, which
// becomes an input.
func (e *evaluation) readSource(path string) ([]byte, error) {
	source, err := e.readInput(path, maxSourceSize)
	if err != nil {
		return nil, fmt.Errorf("error reading file %s: %w", path, err)
	}
	return source, nil
}

func (e *evaluation) includeLibrary() library {
	return functions(map[string]function{"include": e.include, "load_dynamic": e.loadDynamic})
}

// include is include(path): it executes a file for its effects.
func (e *evaluation) include(thread *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var path localPath
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "path", &path); err != nil {
		return nil, err
	}
	if _, err := e.load(thread, string(path)); err != nil {
		return nil, fmt.Errorf("cannot include %s: %w", path, err)
	}
	return starlark.None, nil
}

// loadDynamic is load_dynamic(path): it executes a file and returns its globals
// as a dict, which can't be changed.
func (e *evaluation) loadDynamic(thread *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var path localPath
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "path", &path); err != nil {
		return nil, err
	}
	globals, err := e.load(thread, string(path))
	if err != nil {
		return nil, fmt.Errorf("cannot load %s: %w", path, err)
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
