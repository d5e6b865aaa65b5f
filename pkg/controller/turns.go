// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"
	"sync"
)

// largeWorkers is how many Sessions with many resources are published at a
// time, so that there's always a worker for the others.
const largeWorkers = 1

// turns are how many of something may be done at a time. Nothing blocks for one:
// what can't have one tries again when there is.
type turns struct {
	mu   sync.Mutex
	free int
	// waiting are the names that try again, each once, in order.
	waiting []string
}

// take takes a turn, or returns false and has name wait for one.
func (t *turns) take(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.free == 0 {
		if !slices.Contains(t.waiting, name) {
			t.waiting = append(t.waiting, name)
		}
		return false
	}
	t.free--
	return true
}

// give ends a turn, and returns all that wait: whichever comes first may turn out
// not to need it.
func (t *turns) give() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free++
	waiting := t.waiting
	t.waiting = nil
	return waiting
}

// nextLarge ends the publishing of a Session with many resources.
func (c *Controller) nextLarge() {
	c.enqueue(c.large.give())
}
