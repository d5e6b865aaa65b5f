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
		"os.path.abspath":  ofPath(func(path string) (starlark.String, error) { return starlark.String(e.join(path)), nil }),
		"os.path.basename": ofPath(func(path string) (starlark.String, error) { return starlark.String(filepath.Base(path)), nil }),
		"os.path.dirname":  ofPath(func(path string) (starlark.String, error) { return starlark.String(filepath.Dir(path)), nil }),
		"os.path.exists":   ofPath(e.pathExists),
		"os.path.realpath": ofPath(e.realpath),
		"os.path.join":     joinPath,
		"os.path.relpath":  e.relpath,
	})
}

// ofPath returns the builtin for a function of one path.
func ofPath[V starlark.Value](f func(path string) (V, error)) Function {
	return func(c *Call) (starlark.Value, error) {
		var a struct {
			Path string `arg:"path"`
		}
		if err := c.Unpack(&a); err != nil {
			return nil, err
		}
		return f(a.Path)
	}
}

// pathExists is os.path.exists(path). A broken symbolic link doesn't exist.
func (e *Evaluation) pathExists(path string) (starlark.Bool, error) {
	_, err := os.Stat(e.join(path))
	return starlark.Bool(err == nil), nil
}

// realpath is os.path.realpath(path), for a path that exists.
func (e *Evaluation) realpath(path string) (starlark.String, error) {
	real, err := filepath.EvalSymlinks(e.join(path))
	return starlark.String(real), err
}

// relpath is os.path.relpath(targpath, basepath=os.getcwd()).
func (e *Evaluation) relpath(c *Call) (starlark.Value, error) {
	var a struct {
		Target string `arg:"targpath"`
		Base   string `arg:"basepath??"`
	}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
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
