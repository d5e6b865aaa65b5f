// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"errors"
	"time"

	"k8s.io/utils/clock"
)

// keepHouse resolves failed commits, compacts what is too old, and ends leases,
// each at its time. It returns when the store is closed.
func (s *Store) keepHouse() {
	timer := s.clock.NewTimer(s.maxAge)
	defer timer.Stop()
	for {
		due, err := s.tidy(s.clock.Now())
		now := s.clock.Now()
		switch {
		case errors.Is(err, ErrClosed):
			return
		case err != nil: // Err returns it
			due = now.Add(retryInterval)
		}
		if !due.IsZero() && !due.After(now) {
			continue // it became due meanwhile
		}
		setTimer(timer, due, now)
		if s.clock.Since(now) > time.Millisecond {
			continue // the timer would be late by that much
		}
		select {
		case <-timer.C():
		case <-s.wake:
		case <-s.stop:
			return
		}
	}
}

// setTimer makes a timer fire at due, or never if due is the zero time. It
// drains the channel, which not every implementation of the clock does itself.
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
	default: // a wake-up is pending
	}
}

// tidy does what is due, and returns when the next thing is due, or the zero time.
func (s *Store) tidy(now time.Time) (time.Time, error) {
	if retry, err := s.resolve(now); err != nil || !retry.IsZero() {
		return retry, err
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

// endLeases ends the expired leases and returns when the next one expires.
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

// earlier returns the first of two times, where the zero time means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
