// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// compactStep is how many revisions are forgotten at once because of their
// age, so as not to hold up writers for long.
const compactStep = 1000

// compact forgets what was before a revision.
func (s *Store) compact(rev int64) error {
	s.commitMu.Lock()
	defer s.commitMu.Unlock()
	if s.closed.Load() {
		return ErrClosed
	}
	head := s.state.Load()
	switch {
	case rev <= head.compacted, rev < head.oldest():
		return rpctypes.ErrCompacted
	case rev > head.rev:
		return rpctypes.ErrFutureRev
	}
	return s.forget(head, rev)
}

// forget is called with commitMu held.
func (s *Store) forget(head *state, rev int64) error {
	next, passed := head.compact(rev)
	if err := s.write(Changes{Revision: head.rev}, next, passed); err != nil {
		return err
	}
	s.state.Store(next)
	return nil
}

// compactAged forgets what could no longer be seen by a reader that is maxAge
// behind.
func (s *Store) compactAged(now time.Time) error {
	for more := true; more; {
		var err error
		if more, err = s.compactSomeAged(now); err != nil {
			return err
		}
	}
	return nil
}

// compactSomeAged tells whether there is more.
func (s *Store) compactSomeAged(now time.Time) (bool, error) {
	s.commitMu.Lock()
	defer s.commitMu.Unlock()
	if s.closed.Load() {
		return false, ErrClosed
	}
	head := s.state.Load()
	last := head.asOf(now.Add(-s.maxAge))
	if last <= head.oldest() {
		return false, nil
	}
	rev := min(last, head.oldest()+compactStep)
	return rev < last, s.forget(head, rev)
}

// nextCompaction is when compactAged will have something to do, or the zero
// time. It puts off by up to a tenth of the age, so as not to run for each
// revision of a burst.
func (s *Store) nextCompaction(now time.Time) time.Time {
	head := s.state.Load()
	if len(head.history) == 1 {
		return time.Time{}
	}
	due := head.history[1].at.Add(s.maxAge)
	if soonest := now.Add(s.maxAge / 10); due.Before(soonest) {
		return soonest
	}
	return due
}
