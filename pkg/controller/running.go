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

// Running is the table of runs in which an API server finds what to ask about a Session. A Controller fills it. The
// runs that ended last stay while their Sessions are stored, so that their logs can be read. It is safe for
// concurrent use.
type Running struct {
	// Many says that there may be several Sessions, so that the names of UIResources and UIButtons have to begin with
	// that of their Session. It is set before the first run.
	Many bool
	now  func() time.Time

	mu     sync.Mutex
	byName map[string]Requests
	// ended are the names of those in byName that have ended, the oldest first.
	ended []string
	// shown has what Project has made of each run in byName, version and next are those of Version.
	shown   map[Requests]*projection
	version uint64
	next    chan struct{}
}

var _ registry.Runs = (*Running)(nil)

// NewRunning returns an empty table.
func NewRunning() *Running {
	return &Running{now: time.Now, byName: map[string]Requests{}, shown: map[Requests]*projection{}, version: 1}
}

// Run returns the run of the Session of that name, false if there is none.
func (r *Running) Run(name string) (registry.Run, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run, found := r.byName[name]
	if !found {
		return nil, false
	}
	return &requested{session: name, run: run, now: r.now}, true
}

// Active is how many runs have not ended.
func (r *Running) Active() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.byName) - len(r.ended)
}

// add enters a run until end is called, in place of one of that name that has ended.
func (r *Running) add(name string, run Requests) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(name)
	r.byName[name] = run
	r.announce()
}

// end notes that a run has ended.
func (r *Running) end(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, name)
	if len(r.ended) > maxEnded {
		r.drop(r.ended[0])
	}
}

// forget notes that a Session is not stored any more.
func (r *Running) forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(name)
}

// drop removes a run that has ended. One that has not stays.
func (r *Running) drop(name string) {
	if i := slices.Index(r.ended, name); i >= 0 {
		r.ended = slices.Delete(r.ended, i, i+1)
		delete(r.shown, r.byName[name])
		delete(r.byName, name)
		r.announce()
	}
}
