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
	// quiet is how long nothing must have changed before a batch is reported.
	quiet = 200 * time.Millisecond
	// longest is how long a change waits at most.
	longest = 10 * time.Second
)

// batch is what has changed since the last report. The zero value is empty.
type batch struct {
	changes map[string]model.Change
	// first and last are when changes were added.
	first, last time.Time
}

// add takes a change, in the place of an earlier one of the same path.
func (b *batch) add(now time.Time, change model.Change) {
	if b.changes == nil {
		b.changes = map[string]model.Change{}
		b.first = now
	}
	b.last = now
	b.changes[change.Path] = change
}

func (b *batch) empty() bool { return b.changes == nil }

// due is when a batch that isn't empty is to be reported.
func (b *batch) due() time.Time {
	due := b.last.Add(quiet)
	if latest := b.first.Add(longest); latest.Before(due) {
		return latest
	}
	return due
}

// take returns the changes in the order of their paths, and empties the batch.
func (b *batch) take() []model.Change {
	changes := slices.SortedFunc(maps.Values(b.changes), func(x, y model.Change) int { return cmp.Compare(x.Path, y.Path) })
	*b = batch{}
	return changes
}
