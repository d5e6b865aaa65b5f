// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"
	"sync"
	"time"

	registry "tilt.dev/session/pkg/registry/session"
)

// maxEnded is how many runs are kept after their end, for their logs.
const maxEnded = 100

// Running is the table of what's being run, by which an API server answers what
// is asked of a Session. The runs that ended last stay in it while their Sessions
// are stored, so that their logs can be read. It exists before both of them: a
// Controller, which a server has to be there for, fills it. It's safe for
// concurrent use.
type Running struct {
	now func() time.Time

	mu     sync.Mutex
	byName map[string]entry
	// ended are the names of those in byName that have ended, the oldest first.
	ended []string
}

// entry is a run in the table. outlives is true if it goes on when its Session is deleted.
type entry struct {
	Run
	outlives bool
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
	return &requested{session: name, run: e, now: r.now}, true
}

// Orphan returns the run of that name if it hasn't ended and doesn't end with its
// Session, false if there's none.
func (r *Running) Orphan(name string) (registry.Run, bool) {
	r.mu.Lock()
	outlives := r.byName[name].outlives && !slices.Contains(r.ended, name)
	r.mu.Unlock()
	if !outlives {
		return nil, false
	}
	return r.Run(name)
}

// add enters a run until end is called, in place of one of that name that has
// ended.
func (r *Running) add(name string, e entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(name)
	r.byName[name] = e
}

// end says that a run has ended.
func (r *Running) end(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, name)
	if len(r.ended) > maxEnded {
		r.drop(r.ended[0])
	}
}

// forget says that a Session isn't stored any more.
func (r *Running) forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(name)
}

// drop removes a run that has ended. One that hasn't stays.
func (r *Running) drop(name string) {
	if i := slices.Index(r.ended, name); i >= 0 {
		r.ended = slices.Delete(r.ended, i, i+1)
		delete(r.byName, name)
	}
}
