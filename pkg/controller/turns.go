// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import "sync"

// largeWorkers is how many Sessions with many resources are published at a
// time, so that there's always a worker for the others.
const largeWorkers = 1

// turns are how many of something may be done at a time. Nobody waits for one:
// who can't have one is told of when there is.
type turns struct {
	mu      sync.Mutex
	free    int
	waiting []string
}

// take takes a turn, or returns false and has name wait for one.
func (t *turns) take(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.free == 0 {
		t.waiting = append(t.waiting, name)
		return false
	}
	t.free--
	return true
}

// give ends a turn, and returns who has waited longest and may try again.
func (t *turns) give() (name string, waiting bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free++
	if len(t.waiting) == 0 {
		return "", false
	}
	name, t.waiting = t.waiting[0], t.waiting[1:]
	return name, true
}

// nextLarge ends the publishing of a Session with many resources.
func (c *Controller) nextLarge() {
	if name, waiting := c.large.give(); waiting {
		c.queue.Add(name)
	}
}
