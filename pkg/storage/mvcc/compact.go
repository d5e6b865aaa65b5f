// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

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
	s.state.Store(head.compact(rev))
	return nil
}

// compactAged forgets what could no longer be seen by a reader that is maxAge
// behind.
func (s *Store) compactAged(now time.Time) {
	s.commitMu.Lock()
	defer s.commitMu.Unlock()
	head := s.state.Load()
	if rev := head.asOf(now.Add(-s.maxAge)); rev > head.oldest() {
		s.state.Store(head.compact(rev))
	}
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
