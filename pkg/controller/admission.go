// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

const (
	// After it was written, a large status rests for restFactor times the duration of the write, so that writing
	// takes about a fifth of the time, but maxRest at most.
	restFactor = 4
	maxRest    = 500 * time.Millisecond
	// claimSpread is the spread of a process that claims Sessions.
	claimSpread = 8
)

// admission decides which Sessions may run and which large status may be written.
//
// At most maxRunning Sessions run, the oldest first; with 0 all do. One large status is written at a time, which
// leaves the other workers to other Sessions, and each rests after it was written.
//
// No method blocks. A Session that is not admitted is reconciled again when it may be: methods that make room
// return the names of those Sessions. All methods may be called concurrently.
type admission struct {
	maxRunning int
	// spread, if positive, lets a Session run before up to that many older ones, at random, so that processes that share
	// a storage don't all try to claim the same one. It is set before the first use.
	spread int

	mu       sync.Mutex
	arrivals uint64
	// round changes the random order each time that a candidate goes.
	round uint64
	// quiet is closed when no candidate runs, and nil if no caller of idle waits for that.
	quiet chan struct{}
	// candidates are the Sessions that run and that wait to, the oldest first.
	candidates []candidate
	// writing is true while a large status is written, pending has the names of the Sessions that were not admitted
	// meanwhile.
	writing bool
	pending []string
	// rests has the end of the rest of each run with a large status.
	rests map[types.UID]time.Time
	seed  maphash.Seed
}

// candidate is a Session that runs or waits to run.
type candidate struct {
	uid     types.UID
	name    string
	created time.Time
	// arrival orders Sessions that were created in the same second.
	arrival uint64
	running bool
}

func newAdmission(maxRunning int) *admission {
	return &admission{maxRunning: maxRunning, rests: map[types.UID]time.Time{}, seed: maphash.MakeSeed()}
}

// add lets a Session wait to run, unless it waits or runs already.
func (a *admission) add(s *v1alpha1.Session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.insert(s)
}

func (a *admission) insert(s *v1alpha1.Session) {
	if a.maxRunning == 0 || a.index(s.UID) >= 0 {
		return
	}
	a.arrivals++
	added := candidate{uid: s.UID, name: s.Name, created: s.CreationTimestamp.Time, arrival: a.arrivals}
	i, _ := slices.BinarySearchFunc(a.candidates, added, func(a, b candidate) int {
		return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.arrival, b.arrival))
	})
	a.candidates = slices.Insert(a.candidates, i, added)
	waitingMetric.Inc()
}

func (a *admission) index(uid types.UID) int {
	return slices.IndexFunc(a.candidates, func(c candidate) bool { return c.uid == uid })
}

// admit reports whether a Session that was added may run now. It counts as running then, until postpone or release.
func (a *admission) admit(s *v1alpha1.Session) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.maxRunning == 0 {
		return true
	}
	i := a.index(s.UID)
	if i < 0 || !slices.Contains(a.admissible(), i) {
		return false
	}
	a.candidates[i].running = true
	waitingMetric.Dec()
	return true
}

// admitted reports whether a Session counts as running.
func (a *admission) admitted(uid types.UID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.index(uid)
	return i >= 0 && a.candidates[i].running
}

// postpone lets a Session that was admitted and could not start wait again, where it did before.
func (a *admission) postpone(uid types.UID) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.index(uid)
	if i < 0 || !a.candidates[i].running {
		return nil
	}
	a.candidates[i].running = false
	waitingMetric.Inc()
	a.announce()
	if a.spread == 0 {
		return nil // It is the first again that is admitted.
	}
	return a.names()
}

// idle returns a channel that is closed when no candidate runs.
func (a *admission) idle() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.quiet == nil {
		a.quiet = make(chan struct{})
	}
	idle := a.quiet
	a.announce()
	return idle
}

// announce closes quiet if no candidate runs. The caller holds mu.
func (a *admission) announce() {
	if a.quiet == nil || slices.ContainsFunc(a.candidates, func(c candidate) bool { return c.running }) {
		return
	}
	close(a.quiet)
	a.quiet = nil
}

// withdraw ends the waiting of a Session. One that runs is left alone.
func (a *admission) withdraw(uid types.UID) []string { return a.remove(uid, false) }

// release notes that nothing is left of the run of a Session.
func (a *admission) release(uid types.UID) []string { return a.remove(uid, true) }

func (a *admission) remove(uid types.UID, running bool) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if running {
		delete(a.rests, uid)
	}
	i := a.index(uid)
	if i < 0 || a.candidates[i].running != running {
		return nil
	}
	a.candidates = slices.Delete(a.candidates, i, i+1)
	if !running {
		waitingMetric.Dec()
	}
	a.round++
	a.announce()
	return a.names()
}

// names are those of the Sessions that admit would admit.
func (a *admission) names() []string {
	var names []string
	for _, i := range a.admissible() {
		names = append(names, a.candidates[i].name)
	}
	return names
}

// admissible are the indices of the Sessions that admit would admit.
func (a *admission) admissible() []int {
	free := a.maxRunning
	var waiting []int
	for i, c := range a.candidates {
		if c.running {
			free--
		} else {
			waiting = append(waiting, i)
		}
	}
	free = min(max(free, 0), len(waiting))
	if a.spread > 0 && free > 0 {
		waiting = waiting[:min(free+a.spread, len(waiting))]
		slices.SortFunc(waiting, func(i, j int) int {
			return cmp.Compare(a.rank(a.candidates[i].uid), a.rank(a.candidates[j].uid))
		})
	}
	return waiting[:free]
}

// rank is a random number of a candidate in this round.
func (a *admission) rank(uid types.UID) uint64 {
	return maphash.Comparable(a.seed, struct {
		uid   types.UID
		round uint64
	}{uid, a.round})
}

func (a *admission) clear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.candidates {
		if !c.running {
			waitingMetric.Dec()
		}
	}
	a.candidates = nil
}

// beginWrite reports whether a large status may be written now; endWrite has to follow then. Otherwise the Session is
// one that an endWrite returns or, if rest isn't 0, may try again after that. An urgent status does not rest.
func (a *admission) beginWrite(r *run, now time.Time, urgent bool) (admitted bool, rest time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if rest := a.rests[r.uid].Sub(now); rest > 0 && !urgent {
		return false, rest
	}
	if !a.writing {
		a.writing = true
		return true, 0
	}
	if !slices.Contains(a.pending, r.name) {
		a.pending = append(a.pending, r.name)
	}
	return false, 0
}

// endWrite ends a write that took from begin to end. It returns all Sessions that were not admitted meanwhile,
// since the first of them may have nothing to write any more.
func (a *admission) endWrite(r *run, begin, end time.Time) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rests[r.uid] = end.Add(min(restFactor*end.Sub(begin), maxRest))
	a.writing = false
	pending := a.pending
	a.pending = nil
	return pending
}
