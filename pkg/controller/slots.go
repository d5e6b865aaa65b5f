// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// slots are what Sessions need to be run when only so many may be at a time.
// Those that wait for one get it in the order of their creation. With a limit of
// 0 there's one for everybody.
type slots struct {
	limit int

	mu      sync.Mutex
	joined  uint64
	waiting []ticket
	taken   map[types.UID]ticket
}

// ticket is a Session's place among those that wait.
type ticket struct {
	uid     types.UID
	name    string
	created time.Time
	// number tells those of the same second apart.
	number uint64
}

func newSlots(limit int) *slots {
	return &slots{limit: limit, taken: map[types.UID]ticket{}}
}

// join has a Session wait for a slot, unless it does or has one already.
func (s *slots) join(session *v1alpha1.Session) {
	if s.limit == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue(session)
}

func (s *slots) queue(session *v1alpha1.Session) {
	if _, has := s.taken[session.UID]; has || s.place(session.UID) >= 0 {
		return
	}
	s.joined++
	s.insert(ticket{session.UID, session.Name, session.CreationTimestamp.Time, s.joined})
}

func (s *slots) insert(t ticket) {
	i, _ := slices.BinarySearchFunc(s.waiting, t, func(a, b ticket) int {
		return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.number, b.number))
	})
	s.waiting = slices.Insert(s.waiting, i, t)
	waitingMetric.Inc()
}

// place is how many have waited for longer, negative for who doesn't wait.
func (s *slots) place(uid types.UID) int {
	return slices.IndexFunc(s.waiting, func(t ticket) bool { return t.uid == uid })
}

// take gives a Session the slot that it waits for, if it's its turn.
func (s *slots) take(session *v1alpha1.Session) bool {
	if s.limit == 0 {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue(session)
	i := s.place(session.UID)
	if i < 0 || i >= s.limit-len(s.taken) {
		return false
	}
	s.taken[session.UID] = s.waiting[i]
	s.remove(i)
	return true
}

func (s *slots) remove(i int) {
	s.waiting = slices.Delete(s.waiting, i, i+1)
	waitingMetric.Dec()
}

// giveBack takes a slot back from a Session that couldn't make use of it, and
// has it wait again where it did, so that it's the next to have it.
func (s *slots) giveBack(uid types.UID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, has := s.taken[uid]; has {
		delete(s.taken, uid)
		s.insert(t)
	}
}

// free takes the slot of a Session whose run is over, and returns who may
// take one now.
func (s *slots) free(uid types.UID) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.taken, uid)
	return s.next()
}

// leave has a Session not wait any longer, and returns who may take a slot
// because of that.
func (s *slots) leave(uid types.UID) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.place(uid)
	if i < 0 {
		return nil
	}
	s.remove(i)
	return s.next()
}

// next are the names of those whose turn it is.
func (s *slots) next() []string {
	n := min(max(s.limit-len(s.taken), 0), len(s.waiting))
	names := make([]string, n)
	for i := range names {
		names[i] = s.waiting[i].name
	}
	return names
}

// clear forgets all.
func (s *slots) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.waiting) > 0 {
		s.remove(len(s.waiting) - 1)
	}
}
