// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"fmt"
	"os"
	"path/filepath"

	"go.starlark.net/starlark"
)

// Paths returns the builtins of os.path.
func (e *Evaluation) Paths() Library {
	return Functions(map[string]Function{
		"os.path.abspath":  Unpacking(e.abspath),
		"os.path.basename": Unpacking(basename),
		"os.path.dirname":  Unpacking(dirname),
		"os.path.exists":   Unpacking(e.exists),
		"os.path.realpath": Unpacking(e.realpath),
		"os.path.join":     joinPath,
		"os.path.relpath":  Unpacking(e.relpath),
	})
}

// pathString has the parameter of those functions that take one path.
type pathString struct {
	Path string `arg:"path"`
}

func (e *Evaluation) abspath(a pathString) (starlark.Value, error) {
	return starlark.String(e.join(a.Path)), nil
}
func basename(a pathString) (starlark.Value, error) {
	return starlark.String(filepath.Base(a.Path)), nil
}
func dirname(a pathString) (starlark.Value, error) { return starlark.String(filepath.Dir(a.Path)), nil }

// exists is os.path.exists(path). A broken symbolic link doesn't exist.
func (e *Evaluation) exists(a pathString) (starlark.Value, error) {
	_, err := os.Stat(e.join(a.Path))
	return starlark.Bool(err == nil), nil
}

// realpath is os.path.realpath(path), for a path that exists.
func (e *Evaluation) realpath(a pathString) (starlark.Value, error) {
	path, err := filepath.EvalSymlinks(e.join(a.Path))
	return starlark.String(path), err
}

// relpath is os.path.relpath(targpath, basepath=os.getcwd()).
func (e *Evaluation) relpath(a struct {
	Target string `arg:"targpath"`
	Base   string `arg:"basepath??"`
}) (starlark.Value, error) {
	relative, err := filepath.Rel(e.Absolute(a.Base), e.Absolute(a.Target))
	return starlark.String(relative), err
}

// joinPath is os.path.join(path, *paths).
func joinPath(c *Call) (starlark.Value, error) {
	if len(c.Kwargs) > 0 {
		return nil, fmt.Errorf("%s: unexpected keyword arguments", c.Name)
	}
	parts := make([]string, len(c.Args))
	for i, arg := range c.Args {
		part, ok := starlark.AsString(arg)
		if !ok {
			return nil, fmt.Errorf("%s: got %s, want string", c.Name, arg.Type())
		}
		parts[i] = part
	}
	return starlark.String(filepath.Join(parts...)), nil
}
