// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"path/filepath"

	"tilt.dev/session/pkg/model"
)

// Ignores tell which files a watch with the same sets leaves out. They are not safe for concurrent use.
type Ignores struct{ sets ignores }

// NewIgnores returns the Ignores of sets. Its error is for patterns that don't work.
func NewIgnores(sets []model.IgnoreSet) (*Ignores, error) {
	all, err := newIgnores(sets)
	return &Ignores{all}, err
}

// Ignored reports whether a path, which is absolute and clean, is ignored.
func (i *Ignores) Ignored(path string) bool {
	return temporary(filepath.Base(path)) || i.sets.ignored(path)
}

// All reports whether everything below a directory is ignored.
func (i *Ignores) All(dir string) bool {
	return temporary(filepath.Base(dir)) || i.sets.below(dir)
}
