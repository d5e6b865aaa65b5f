// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"fmt"
	"os"
	"path/filepath"

	"go.starlark.net/starlark"
)

func (e *evaluation) pathLibrary() library {
	l := library{}
	for name, f := range map[string]func(path string) (starlark.Value, error){
		"os.path.abspath":  func(path string) (starlark.Value, error) { return starlark.String(e.abspath(path)), nil },
		"os.path.basename": func(path string) (starlark.Value, error) { return starlark.String(filepath.Base(path)), nil },
		"os.path.dirname":  func(path string) (starlark.Value, error) { return starlark.String(filepath.Dir(path)), nil },
		"os.path.exists":   e.pathExists,
		"os.path.realpath": e.realpath,
	} {
		l[name] = starlark.NewBuiltin(name, ofPath(f))
	}
	l["os.path.join"] = starlark.NewBuiltin("os.path.join", joinPath)
	l["os.path.relpath"] = starlark.NewBuiltin("os.path.relpath", e.relpath)
	return l
}

// ofPath makes a builtin of a function of one path.
func ofPath(f func(path string) (starlark.Value, error)) function {
	return func(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var path string
		if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "path", &path); err != nil {
			return nil, err
		}
		return f(path)
	}
}

// abspath resolves a path that the Tiltfile gave. An absolute one stays as it is,
// as in Tilt: cleaning it could lead elsewhere where a symbolic link precedes
// "..".
func (e *evaluation) abspath(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(e.directory(), path)
}

// pathExists is os.path.exists(path). A broken symbolic link doesn't exist.
func (e *evaluation) pathExists(path string) (starlark.Value, error) {
	_, err := os.Stat(e.abspath(path))
	return starlark.Bool(err == nil), nil
}

// realpath is os.path.realpath(path), for a path that exists.
func (e *evaluation) realpath(path string) (starlark.Value, error) {
	real, err := filepath.EvalSymlinks(e.abspath(path))
	if err != nil {
		return nil, err
	}
	return starlark.String(real), nil
}

// relpath is os.path.relpath(targpath, basepath=os.getcwd()).
func (e *evaluation) relpath(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var target, base string
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "targpath", &target, "basepath??", &base); err != nil {
		return nil, err
	}
	relative, err := filepath.Rel(e.absolute(base), e.absolute(target))
	if err != nil {
		return nil, err
	}
	return starlark.String(relative), nil
}

// joinPath is os.path.join(path, *paths).
func joinPath(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(kwargs) > 0 {
		return nil, fmt.Errorf("%s: unexpected keyword arguments", fn.Name())
	}
	parts := make([]string, len(args))
	for i, arg := range args {
		part, ok := starlark.AsString(arg)
		if !ok {
			return nil, fmt.Errorf("%s: got %s, want string", fn.Name(), arg.Type())
		}
		parts[i] = part
	}
	return starlark.String(filepath.Join(parts...)), nil
}
