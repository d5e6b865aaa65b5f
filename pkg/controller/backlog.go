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
	// maxPending is how many snapshots a backlog holds that aren't published. It's
	// enough for a chain of short jobs, each of which should be seen.
	maxPending = 64
	// With more than manyResources a Session is shown as it is, rather than all
	// that it went through.
	manyResources = 100
)

// backlog holds the snapshots of a run that aren't published yet, in order. It
// merges neighbours as long as every phase that any target went through stays
// visible; when it's full, it forgets all but the newest. Of a Session with many
// resources it holds only the newest, so that writing doesn't lag behind.
//
// It may be used from several goroutines. No method blocks.
type backlog struct {
	mu sync.Mutex
	// items[0] is being published or, once settled, is the last one that was.
	items   []item
	settled bool
}

// item is a snapshot with its phases, which one of many resources is held without.
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
	case n < 2: // The first item can't be replaced: it may be on its way already.
		b.items = append(b.items, newest)
	case many(snap) && many(b.items[n-1].snap), !hides(b.items[n-2], b.items[n-1], newest):
		b.items[n-1] = newest
	case n > maxPending:
		b.items = append(slices.Delete(b.items, 1, n), newest)
	default:
		b.items = append(b.items, newest)
	}
}

// head is the snapshot to publish: the oldest that's pending, or the last one
// published when none is. It's nil before the first push. The same one is
// returned until it's settled, one of many resources until there's a newer one.
func (b *backlog) head() *engine.Snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.items) > 1 && (b.settled || many(b.items[0].snap)) {
		b.items = slices.Delete(b.items, 0, 1)
		b.settled = false
	}
	if len(b.items) == 0 {
		return nil
	}
	return b.items[0].snap
}

// skip forgets all but the newest snapshot, which is the head then.
func (b *backlog) skip() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.items); n > 1 {
		b.items, b.settled = slices.Delete(b.items, 0, n-1), false
	}
}

// settle says that the head is published, and tells whether more are pending.
func (b *backlog) settle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settled = true
	return len(b.items) > 1
}

// many tells whether a snapshot has so many resources that not everything is
// published that happens to them.
func many(snap *engine.Snapshot) bool { return len(snap.Resources) > manyResources }

// hides tells whether leaving out mid between before and after hides a phase
// that some target was in.
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

// sameTargets tells whether the phases of two snapshots are about the same
// targets in the same order.
func sameTargets(a, b *engine.Snapshot) bool {
	return slices.EqualFunc(a.Resources, b.Resources, func(a, b engine.ResourceState) bool { return a.Name == b.Name })
}
