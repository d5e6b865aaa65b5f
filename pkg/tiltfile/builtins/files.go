// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/tiltfile/data"
)

// Files returns the builtins that read and watch files.
func (e *Evaluation) Files() Library {
	return Functions(map[string]Function{
		"listdir":    Unpacking(e.listdir),
		"read_file":  Unpacking(e.readFile),
		"watch_file": Unpacking(e.watchFile),
	})
}

// readFile is read_file(path, default=None).
func (e *Evaluation) readFile(a struct {
	Path    Path  `arg:"path,alias=paths"`
	Default *Text `arg:"default??"`
}) (starlark.Value, error) {
	content, err := e.ReadData(e.Absolute(string(a.Path)))
	switch {
	case errors.Is(err, fs.ErrNotExist) && a.Default != nil:
		return data.Blob(*a.Default), nil
	case err != nil:
		return nil, err
	}
	return data.Blob(content), nil
}

// watchFile is watch_file(path): the file, or everything below the directory, becomes an input. It needn't exist.
func (e *Evaluation) watchFile(a onePath) (starlark.Value, error) {
	e.AddInput(e.Absolute(string(a.Path)))
	return nil, nil
}

// maxListed limits the entries that listdir visits.
const maxListed = 1_000_000

// listdir is listdir(dir, recursive=False): the absolute paths of the files in a directory, or of all files below it,
// in order. A missing directory has none. Only a recursive listing becomes an input.
func (e *Evaluation) listdir(a struct {
	Dir       Path `arg:"dir"`
	Recursive bool `arg:"recursive??"`
}) (starlark.Value, error) {
	root := e.Absolute(string(a.Dir))
	if a.Recursive {
		e.AddInput(root)
	}
	var files []starlark.Value
	entries := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		entries++
		switch {
		case e.Context.Err() != nil:
			return context.Cause(e.Context)
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case entries > maxListed:
			return fmt.Errorf("%s has more than %d entries", root, maxListed)
		case path == root:
			return nil
		case !entry.IsDir():
			files = append(files, starlark.String(path))
		case !a.Recursive:
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return starlark.NewList(files), nil
}
