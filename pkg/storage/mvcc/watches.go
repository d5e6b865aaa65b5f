// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import "sync"

// watches is the register of open watches. It keeps their positions, so that
// a change wakes only those that it concerns and moves on those that wait.
type watches struct {
	mu      sync.Mutex
	open    []*watch
	closed  bool
	running sync.WaitGroup
}

// add registers a watch, or tells that none is taken any more. The goroutine
// that serves it ends with remove.
func (w *watches) add(added *watch) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	added.index = len(w.open)
	w.open = append(w.open, added)
	w.running.Add(1)
	return true
}

func (w *watches) remove(removed *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := len(w.open) - 1
	w.open[last].index = removed.index
	w.open[removed.index] = w.open[last]
	w.open[last] = nil
	w.open = w.open[:last]
	w.running.Done()
}

// close takes no more watches and waits until those that are open have ended,
// which the caller sees to.
func (w *watches) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.running.Wait()
}

// notify tells of published revisions, the first of which is given. A watch
// that has seen everything before them, and that they don't concern, has seen
// them too. Any other one looks for itself.
func (w *watches) notify(first int64, revisions []revision) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := first + int64(len(revisions)) - 1
	for _, open := range w.open {
		switch {
		case open.next > last:
		case open.next >= first && !concerns(open, revisions[open.next-first:]):
			open.next = last + 1
		default:
			open.signal()
		}
	}
}

func concerns(w *watch, revisions []revision) bool {
	for _, r := range revisions {
		for _, event := range r.events {
			if w.keys.contains(event.Kv.Key) {
				return true
			}
		}
	}
	return false
}

// requestProgress makes the watches of a stream tell how far they are.
func (w *watches) requestProgress(stream string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, open := range w.open {
		if open.stream == stream {
			open.progress = true
			open.signal()
		}
	}
}

// position returns where a watch goes on, and whether it is to tell how far it
// is; that is asked only once.
func (w *watches) position(of *watch) (next int64, progress bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next, progress = of.next, of.progress
	of.progress = false
	return next, progress
}

// advance moves a watch on, never back.
func (w *watches) advance(of *watch, next int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	of.next = max(of.next, next)
}
