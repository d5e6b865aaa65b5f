// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"errors"
	"time"

	"k8s.io/utils/clock"
)

// retryInterval is how long a Log that failed is left alone when nobody else
// uses it.
const retryInterval = time.Second

// keepHouse ends leases, compacts what is too old, and tries a Log that failed
// again, at their time. It ends with the store.
func (s *Store) keepHouse() {
	timer := s.clock.NewTimer(s.maxAge)
	defer timer.Stop()
	for {
		due, err := s.tidy(s.clock.Now())
		now := s.clock.Now()
		switch {
		case errors.Is(err, ErrClosed):
			return
		case err != nil: // Err tells
			due = now.Add(retryInterval)
		}
		if !due.IsZero() && !due.After(now) {
			continue // it became due meanwhile
		}
		setTimer(timer, due, now)
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

// setTimer makes a timer fire when something is due, which the zero time never
// is. What it has sent before is forgotten, as not every clock does by itself.
func setTimer(timer clock.Timer, due, now time.Time) {
	if !timer.Stop() {
		select {
		case <-timer.C():
		default:
		}
	}
	if !due.IsZero() {
		timer.Reset(due.Sub(now))
	}
}

func (s *Store) wakeHousekeeper() {
	select {
	case s.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// tidy does what is due and returns when the next thing is, or the zero time.
func (s *Store) tidy(now time.Time) (time.Time, error) {
	if err := s.probeLog(); err != nil {
		return time.Time{}, err
	}
	if err := s.compactAged(now); err != nil {
		return time.Time{}, err
	}
	deadline, err := s.endLeases(now)
	if err != nil {
		return time.Time{}, err
	}
	return earlier(deadline, s.nextCompaction(now)), nil
}

// probeLog tries a Log that failed.
func (s *Store) probeLog() error {
	s.commitMu.Lock()
	defer s.commitMu.Unlock()
	if s.closed.Load() {
		return ErrClosed
	}
	if s.failed.Load() == nil {
		return nil
	}
	head := s.state.Load()
	return s.write(Changes{Revision: head.rev}, head, nil)
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
