// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// compact drops the history before a revision.
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

// forget compacts at a revision of the history. The caller holds commitMu.
func (s *Store) forget(head *state, rev int64) error {
	if err := s.writable(); err != nil {
		return err
	}
	next, passed := head.compact(rev)
	changes := Changes{Revision: head.rev, Compacted: rev, Forgotten: forgotten(passed)}
	return s.perform(attempt{changes: changes, state: next, leases: s.leases})
}

// compactAged compacts what is older than maxAge.
func (s *Store) compactAged(now time.Time) error {
	s.commitMu.Lock()
	defer s.commitMu.Unlock()
	if s.closed.Load() {
		return ErrClosed
	}
	head := s.state.Load()
	last := head.asOf(now.Add(-s.maxAge))
	if last <= head.oldest() {
		return nil
	}
	return s.forget(head, last)
}

// nextCompaction returns when compactAged has something to do, or the zero time. It delays by up to a tenth of the
// age, so that a burst of revisions is compacted at once.
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
