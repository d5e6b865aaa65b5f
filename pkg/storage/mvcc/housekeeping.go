// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// keepHouse resolves failed commits and compacts what is too old. It returns when the store is closed.
func (s *Store) keepHouse() {
	for {
		interval := s.maxAge / 10
		if s.failed.Load() != nil {
			interval = retryInterval
		}
		timer := s.clock.NewTimer(interval)
		select {
		case <-timer.C():
			s.resolve()
			_ = s.compactAged(s.clock.Now()) // Err returns the error
		case <-s.wake:
			timer.Stop()
		case <-s.stop:
			timer.Stop()
			return
		}
	}
}

// compact drops the history before a revision.
func (s *Store) compact(rev int64) error {
	s.commitMu.Lock()
	defer s.commitMu.Unlock()
	head, err := s.read()
	switch {
	case err != nil:
		return err
	case rev <= head.compacted, rev < head.oldest():
		return rpctypes.ErrCompacted
	case rev > head.rev:
		return rpctypes.ErrFutureRev
	}
	return s.forget(head, rev)
}

// compactAged compacts what is older than maxAge.
func (s *Store) compactAged(now time.Time) error {
	s.commitMu.Lock()
	defer s.commitMu.Unlock()
	head, err := s.read()
	if err != nil {
		return err
	}
	last := head.asOf(now.Add(-s.maxAge))
	if last <= head.oldest() {
		return nil
	}
	return s.forget(head, last)
}

// forget compacts at a revision of the history. The caller holds commitMu.
func (s *Store) forget(head *state, rev int64) error {
	if err := s.writable(); err != nil {
		return err
	}
	next, passed := head.compact(rev)
	changes := Changes{Revision: head.rev, Compacted: rev, Forgotten: forgotten(passed)}
	return s.perform(attempt{changes: changes, state: next})
}
