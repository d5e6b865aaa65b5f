// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"
	"sync"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/session"
)

const (
	// maxPending is how many unpublished snapshots a backlog holds. That is enough for a chain of short jobs, each
	// of which should be visible.
	maxPending = 64
	// Of a Session with more than manyResources only the newest state is published.
	manyResources = 100
)

// backlog holds the unpublished snapshots of a run, in order. It merges neighbours as long as each phase of each
// target stays visible. When it is full, it drops all but the newest. Of a Session with many resources it holds
// only the newest, so that writing does not lag behind.
//
// Methods may be called concurrently. None blocks.
type backlog struct {
	mu sync.Mutex
	// items[0] is being published or, if published is true, is the last one that was.
	items     []item
	published bool
}

// item is a snapshot with its phases, or without if it has many resources.
type item struct {
	snap   *engine.Snapshot
	phases []session.Phase
}

// push appends the newest snapshot of the run.
func (b *backlog) push(snap *engine.Snapshot) {
	newest := item{snap: snap}
	if !many(snap) {
		newest.phases = session.Phases(snap)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.items)
	switch {
	case n < 2: // The first item may be on its way already.
		b.items = append(b.items, newest)
	case many(snap) && many(b.items[n-1].snap), !hides(b.items[n-2], b.items[n-1], newest):
		b.items[n-1] = newest
	case n > maxPending:
		b.items = append(slices.Delete(b.items, 1, n), newest)
	default:
		b.items = append(b.items, newest)
	}
}

// head returns the snapshot to publish: the oldest that is pending, or the last one published if none is. It is nil
// before the first push. The head stays until done is called; one of many resources until a newer one is pushed.
func (b *backlog) head() *engine.Snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.items) > 1 && (b.published || many(b.items[0].snap)) {
		b.items = slices.Delete(b.items, 0, 1)
		b.published = false
	}
	if len(b.items) == 0 {
		return nil
	}
	return b.items[0].snap
}

// skip drops all but the newest snapshot, which is the head then.
func (b *backlog) skip() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.items); n > 1 {
		b.items, b.published = slices.Delete(b.items, 0, n-1), false
	}
}

// done notes that the head is published, and reports whether more are pending.
func (b *backlog) done() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.published = true
	return len(b.items) > 1
}

// many reports whether a snapshot has so many resources that not each of their phases is published.
func many(snap *engine.Snapshot) bool { return len(snap.Resources) > manyResources }

// hides reports whether leaving out mid between before and after hides a phase of a target.
func hides(before, mid, after item) bool {
	if !sameTargets(before.snap, mid.snap) || !sameTargets(mid.snap, after.snap) {
		return true
	}
	for i, phase := range mid.phases {
		if phase != before.phases[i] && phase != after.phases[i] {
			return true
		}
	}
	return false
}

// sameTargets reports whether the phases of two snapshots are about the same targets in the same order.
func sameTargets(a, b *engine.Snapshot) bool {
	return slices.EqualFunc(a.Resources, b.Resources, func(a, b engine.ResourceState) bool { return a.Name == b.Name })
}
