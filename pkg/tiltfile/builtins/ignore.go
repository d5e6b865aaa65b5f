// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
)

// ignoreFile is the name of the file next to the main Tiltfile with patterns of files whose changes don't matter.
const ignoreFile = ".tiltignore"

// watchSettings is watch_settings(ignore=[]). Calls add up.
func (e *Evaluation) watchSettings(a struct {
	Ignore patternList `arg:"ignore??"`
}) (starlark.Value, error) {
	e.ignore(e.Directory(), a.Ignore, "watch_settings()")
	return nil, nil
}

func (e *Evaluation) ignore(base string, patterns []string, source string) {
	if len(patterns) > 0 {
		e.Ignores = append(e.Ignores, model.IgnoreSet{Base: base, Patterns: patterns, Source: source})
	}
}

// ReadIgnoreFile reads the .tiltignore, which is an input even if it is missing.
func (e *Evaluation) ReadIgnoreFile() error {
	base := e.MainDirectory()
	path := filepath.Join(base, ignoreFile)
	content, err := e.ReadSource(path)
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
	e.ignore(base, patterns, path)
	return nil
}

// IgnoreSets returns what the Tiltfile ignores, and the files of the git repositories around the watched paths: git changes
// these all the time.
func (e *Evaluation) IgnoreSets(watched []string) []model.IgnoreSet {
	sets := append([]model.IgnoreSet(nil), e.Ignores...)
	seen := map[string]bool{}
	for _, path := range watched {
		for dir := path; !seen[dir]; dir = filepath.Dir(dir) {
			seen[dir] = true
			if _, err := os.Lstat(filepath.Join(dir, gitDirectory)); err == nil {
				patterns := []string{gitDirectory}
				sets = append(sets, model.IgnoreSet{Base: dir, Patterns: patterns, Source: "the git repository"})
			}
		}
	}
	return sets
}

// patternList is a pattern in dockerignore syntax or a list of patterns.
type patternList []string

func (l *patternList) Unpack(v starlark.Value) error {
	if err := (*StringList)(l).Unpack(v); err != nil {
		return err
	}
	return checkPatterns(*l)
}

// checkPatterns returns an error that names the first invalid pattern.
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
