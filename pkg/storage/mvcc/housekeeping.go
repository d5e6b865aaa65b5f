// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"errors"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"k8s.io/utils/clock"
)

// keepHouse resolves failed commits and compacts what is too old, each at its time. It returns when the store is
// closed.
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
	return s.nextCompaction(now), nil
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
	return s.perform(attempt{changes: Changes{Revision: head.rev, Compacted: rev, Forgotten: forgotten(passed)}, state: next})
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
