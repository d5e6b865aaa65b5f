// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import "sync"

// watches registers open watches and their positions. A change wakes the
// watches whose range it touches, and advances the idle ones of the others.
type watches struct {
	mu      sync.Mutex
	open    []*watch
	closed  bool
	running sync.WaitGroup
}

// add registers a watch, unless the register is closed. The goroutine that
// serves the watch calls remove at its end.
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

// close rejects further watches and waits until the open ones have ended, which the caller initiates.
func (w *watches) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.running.Wait()
}

// notify announces published revisions, starting with first. It advances a
// watch that is up to date and has no events in them, and wakes any other.
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

// requestProgress makes the watches of a stream send their position.
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

// position returns the position of a watch, and whether progress was requested since the last call.
func (w *watches) position(of *watch) (next int64, progress bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next, progress = of.next, of.progress
	of.progress = false
	return next, progress
}

// advance moves a watch forward, never back.
func (w *watches) advance(of *watch, next int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	of.next = max(of.next, next)
}
