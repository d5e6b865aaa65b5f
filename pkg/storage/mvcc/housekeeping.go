// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import "time"

// keepHouse ends leases and compacts what is too old, at their time. It ends
// with the store, or when the store takes no changes any more.
func (s *Store) keepHouse() {
	timer := s.clock.NewTimer(s.maxAge)
	defer timer.Stop()
	for {
		now := s.clock.Now()
		s.compactAged(now)
		deadline, err := s.endLeases(now)
		if err != nil {
			return // Err tells
		}
		if due := earlier(deadline, s.nextCompaction(now)); due.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(due.Sub(now))
		}
		if s.clock.Since(now) > time.Millisecond {
			continue // else the timer would be late by what has passed
		}
		select {
		case <-timer.C():
		case <-s.wake:
		case <-s.stop:
			return
		}
	}
}

func (s *Store) wakeHousekeeper() {
	select {
	case s.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// endLeases ends the leases whose time has come and returns when the next one
// is due.
func (s *Store) endLeases(now time.Time) (time.Time, error) {
	s.commitMu.Lock()
	expired := s.leases.expired(now)
	s.commitMu.Unlock()
	for _, id := range expired {
		if _, err := s.propose(func(t *txn) error { return t.end(id) }); err != nil {
			return time.Time{}, err
		}
	}
	s.commitMu.Lock()
	defer s.commitMu.Unlock()
	return s.leases.next(), nil
}

// earlier is the first of two moments, where the zero time means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
