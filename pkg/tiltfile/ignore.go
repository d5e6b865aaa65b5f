// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
)

// ignoreFile is next to the main Tiltfile and has patterns of files whose
// changes don't matter.
const ignoreFile = ".tiltignore"

// patternList is a pattern in dockerignore syntax or a list of them.
type patternList []string

// Unpack implements starlark.Unpacker.
func (l *patternList) Unpack(v starlark.Value) error {
	if err := (*stringList)(l).Unpack(v); err != nil {
		return err
	}
	return checkPatterns(*l)
}

// checkPatterns returns an error that names the first pattern that can't be
// used.
func checkPatterns(patterns []string) error {
	for _, pattern := range patterns {
		matcher, err := patternmatcher.New([]string{pattern})
		if err == nil {
			// Some faults are found at the first use only.
			_, err = matcher.MatchesOrParentMatches("file")
		}
		if err != nil {
			return fmt.Errorf("invalid pattern %q: %w", pattern, err)
		}
	}
	return nil
}

// watchSettings is watch_settings(ignore=[]). Calls add up.
func (e *evaluation) watchSettings(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var ignore patternList
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "ignore??", &ignore); err != nil {
		return nil, err
	}
	if len(ignore) > 0 {
		e.ignores = append(e.ignores, model.IgnoreSet{Base: e.directory(), Patterns: ignore, Source: "watch_settings()"})
	}
	return starlark.None, nil
}

// readIgnoreFile reads the .tiltignore, which is an input even if there's none.
func (e *evaluation) readIgnoreFile() error {
	base := e.directoryOf(e.options.Path)
	path := filepath.Join(base, ignoreFile)
	content, err := e.readInput(path, maxSourceSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var patterns []string
	if err == nil {
		patterns, err = ignorefile.ReadAll(bytes.NewReader(content))
	}
	if err == nil {
		err = checkPatterns(patterns)
	}
	if err != nil {
		return fmt.Errorf("error reading %s: %w", path, err)
	}
	if len(patterns) > 0 {
		e.ignores = append(e.ignores, model.IgnoreSet{Base: base, Patterns: patterns, Source: path})
	}
	return nil
}

// allIgnores are the exceptions from whatever is watched.
func (e *evaluation) allIgnores() []model.IgnoreSet {
	paths := append([]string{e.directoryOf(e.options.Path)}, e.inputs...)
	for _, r := range e.resources {
		paths = append(paths, r.Deps...)
	}
	for _, name := range slices.Sorted(maps.Keys(e.objects.fileWatches)) {
		paths = append(paths, e.objects.fileWatches[name].watch.Paths...)
	}
	return slices.Concat(e.ignores, gitIgnores(paths))
}
