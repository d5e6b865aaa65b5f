// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import "time"

// retryInterval is the time between a failure of the Log and the next Reopen.
const retryInterval = time.Second

// fail makes the store read-only until the outcome of an attempt is known. The caller holds commitMu.
func (s *Store) fail(a *attempt, err error) {
	s.unresolved = a
	s.retryAt = s.clock.Now().Add(retryInterval)
	s.failed.Store(&err)
	s.wakeHousekeeper()
}

// resolve reopens a Log whose last commit failed, if it is time to. It returns when to try again, or the zero time
// if the store is writable. A commit that the Log holds is published; otherwise the revisions of that commit stay
// empty.
func (s *Store) resolve(now time.Time) (retry time.Time, err error) {
	s.commitMu.Lock()
	defer s.commitMu.Unlock()
	a := s.unresolved
	switch {
	case s.closed.Load():
		return time.Time{}, ErrClosed
	case a == nil:
		return time.Time{}, nil
	case now.Before(s.retryAt):
		return s.retryAt, nil
	}
	held, err := s.log.Reopen()
	if err != nil {
		s.fail(a, err)
		return s.retryAt, nil
	}
	s.unresolved = nil
	if held {
		s.publish(*a)
	} else if err := s.skip(a.state.rev); err != nil {
		return s.retryAt, nil // skip has called fail
	}
	s.failed.Store(nil)
	return time.Time{}, nil
}

// skip commits empty revisions up to one that a failed commit has used. A client or a later process therefore never
// sees that revision with different content. The caller holds commitMu.
func (s *Store) skip(rev int64) error {
	head := s.state.Load()
	var empty []revision
	for range rev - head.rev {
		empty = append(empty, newRevision(s.clock.Now(), nil, head.latest()))
	}
	return s.advance(Changes{Revision: rev}, s.leases, empty)
}
