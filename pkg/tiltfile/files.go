// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"io/fs"

	"go.starlark.net/starlark"
)

func (e *evaluation) fileLibrary() library {
	return functions(map[string]function{
		"listdir":        e.listdir,
		"local_git_repo": e.localGitRepo,
		"read_file":      e.readFile,
		"watch_file":     e.watchFile,
	})
}

// readFile is read_file(path, default=None).
func (e *evaluation) readFile(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var path localPath
	var fallback optional[text, *text]
	if err := starlark.UnpackArgs(fn.Name(), args, alias(kwargs, "paths", "path"), "path", &path, "default??", &fallback); err != nil {
		return nil, err
	}
	content, err := e.readContent(e.absolute(string(path)))
	if errors.Is(err, fs.ErrNotExist) && fallback.set {
		return blob(fallback.value), nil
	}
	if err != nil {
		return nil, err
	}
	return blob(content), nil
}

// watchFile is watch_file(path): the file, or all below the directory, becomes
// an input. It needn't exist.
func (e *evaluation) watchFile(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var path localPath
	if err := starlark.UnpackArgs(fn.Name(), args, alias(kwargs, "paths", "path"), "path", &path); err != nil {
		return nil, err
	}
	e.addInput(e.absolute(string(path)))
	return starlark.None, nil
}

// readData reads the file of a builtin with arguments path and default. The
// fallback is set if there's no such file, but a default.
func (e *evaluation) readData(fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (content []byte, path string, fallback starlark.Value, err error) {
	var given localPath
	var def starlark.Value
	if err := starlark.UnpackArgs(fn.Name(), args, alias(kwargs, "paths", "path"), "path", &given, "default?", &def); err != nil {
		return nil, "", nil, err
	}
	content, err = e.readContent(e.absolute(string(given)))
	if errors.Is(err, fs.ErrNotExist) && def != nil {
		return nil, "", def, nil
	}
	return content, string(given), nil, err
}

// readInput returns the content of the file at an absolute path, which becomes
// an input even if it can't be read.
func (e *evaluation) readInput(path string, limit int64) ([]byte, error) {
	e.addInput(path)
	isStream, err := kindOf(path)
	switch {
	case err != nil:
		return nil, err
	case isStream:
		return e.options.Streams.read(e.ctx, path, limit)
	}
	return readFile(e.ctx, path, limit)
}

// readContent is readInput for data, of which there may be as much as the limits
// allow.
func (e *evaluation) readContent(path string) ([]byte, error) {
	content, err := e.readInput(path, e.limits.readSize)
	return content, explainDataSize(err)
}

// asOpen makes the error of a missing file the one that opening it gives.
func asOpen(err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return &fs.PathError{Op: "open", Path: failed.Path, Err: failed.Err}
	}
	return err
}
