// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"runtime"

	"go.starlark.net/starlark"
)

func (e *evaluation) environLibrary() library {
	l := functions(map[string]function{
		"os.getcwd":   e.getcwd,
		"os.getenv":   e.getenv,
		"os.putenv":   e.putenv,
		"os.unsetenv": e.unsetenv,
	})
	l["os.environ"] = e.environ
	l["os.name"] = starlark.String("posix")
	if runtime.GOOS == "windows" {
		l["os.name"] = starlark.String("nt")
	}
	return l
}

// getcwd is os.getcwd(): the directory that relative paths are relative to.
func (e *evaluation) getcwd(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs); err != nil {
		return nil, err
	}
	return starlark.String(e.directory()), nil
}

// getenv is os.getenv(key, default=None).
func (e *evaluation) getenv(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var key text
	var def starlark.Value = starlark.None
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "key", &key, "default?", &def); err != nil {
		return nil, err
	}
	return e.environ.lookup(string(key), def), nil
}

// putenv is os.putenv(key, value).
func (e *evaluation) putenv(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var key, value text
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "key", &key, "value", &value); err != nil {
		return nil, err
	}
	return starlark.None, e.environ.set(string(key), string(value))
}

// unsetenv is os.unsetenv(key).
func (e *evaluation) unsetenv(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var key text
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "key", &key); err != nil {
		return nil, err
	}
	delete(e.environ.current, string(key))
	return starlark.None, nil
}
