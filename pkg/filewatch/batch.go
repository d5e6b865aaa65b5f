// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"tilt.dev/session/pkg/model"
)

const (
	// quiet is the time without changes after which a batch is reported.
	quiet = 200 * time.Millisecond
	// longest is the longest time that a change waits for its report.
	longest = 10 * time.Second
)

// batch holds the changes since the last report. The zero value is empty.
type batch struct {
	changes map[string]model.Change
	// first and last are when the first and last change were added.
	first, last time.Time
}

// add adds a change. It replaces an earlier change of the same path.
func (b *batch) add(now time.Time, change model.Change) {
	if b.changes == nil {
		b.changes = map[string]model.Change{}
		b.first = now
	}
	b.last = now
	b.changes[change.Path] = change
}

func (b *batch) empty() bool { return b.changes == nil }

// due is when to report a batch that is not empty.
func (b *batch) due() time.Time {
	due := b.last.Add(quiet)
	if latest := b.first.Add(longest); latest.Before(due) {
		return latest
	}
	return due
}

// take returns the changes sorted by path, and empties the batch.
func (b *batch) take() []model.Change {
	changes := slices.SortedFunc(maps.Values(b.changes), func(x, y model.Change) int {
		return cmp.Compare(x.Path, y.Path)
	})
	*b = batch{}
	return changes
}
