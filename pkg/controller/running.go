// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"sync"
	"time"

	registry "tilt.dev/session/pkg/registry/session"
)

// Running is the table of what's being run, by which an API server answers what
// is asked of a Session. It exists before both of them: a Controller, which a
// server has to be there for, fills it. It's safe for concurrent use.
type Running struct {
	now func() time.Time

	mu     sync.Mutex
	byName map[string]entry
}

// entry is a run in the table. keepArgs is nil if what's posted to its arguments
// isn't stored.
type entry struct {
	Run
	keepArgs keepArgs
}

var _ registry.Runs = (*Running)(nil)

// NewRunning returns an empty table.
func NewRunning() *Running {
	return &Running{now: time.Now, byName: map[string]entry{}}
}

// Run returns the run of the Session of that name, false if there's none.
func (r *Running) Run(name string) (registry.Run, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, found := r.byName[name]
	if !found {
		return nil, false
	}
	return &requested{session: name, run: e, keepArgs: e.keepArgs, now: r.now}, true
}

// add enters a run until remove is called.
func (r *Running) add(name string, e entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byName[name] = e
}

func (r *Running) remove(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byName, name)
}
