// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"go.starlark.net/starlark"
)

// maxListed is the most entries that listdir goes through.
const maxListed = 1_000_000

// listdir is listdir(dir, recursive=False): the absolute paths of the files in
// a directory, in order, or of all that are below it. What isn't a directory
// has none. Only a recursive listing is made anew when it changes.
func (e *evaluation) listdir(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var dir localPath
	var recursive bool
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "dir", &dir, "recursive??", &recursive); err != nil {
		return nil, err
	}
	root := e.absolute(string(dir))
	if recursive {
		e.addInput(root)
	}
	var files []starlark.Value
	entries := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		entries++
		switch {
		case e.ctx.Err() != nil:
			return context.Cause(e.ctx)
		case errors.Is(err, fs.ErrNotExist):
			// It isn't there, or not any more.
			return nil
		case err != nil:
			return err
		case entries > maxListed:
			return fmt.Errorf("%s has more than %d entries", root, maxListed)
		case path == root:
			return nil
		case !entry.IsDir():
			files = append(files, starlark.String(path))
		case !recursive:
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return starlark.NewList(files), nil
}
