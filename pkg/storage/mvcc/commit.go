// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"context"
	"errors"
	"fmt"
)

// errAbandoned is the result of a proposal until it has another.
var errAbandoned = errors.New("mvcc: change was abandoned")

// proposal is a change that waits for its turn.
type proposal struct {
	apply func(*txn) error
	done  bool
	rev   int64 // of the store after the change, or of what it was refused on
	err   error
}

// update makes a change and returns when it is published, with the revision of
// the store after it. Once begun a change isn't given up; it is short, and
// nobody would know its outcome.
func (s *Store) update(ctx context.Context, apply func(*txn) error) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return s.propose(apply)
}

// propose queues a change. Whoever gets to commit does so for all that queued
// up meanwhile, so that a slow log is used once for many.
func (s *Store) propose(apply func(*txn) error) (int64, error) {
	p := &proposal{apply: apply, err: errAbandoned}
	s.queueMu.Lock()
	s.queue = append(s.queue, p)
	s.queueMu.Unlock()

	s.commitMu.Lock()
	defer s.commitMu.Unlock()
	if !p.done {
		s.queueMu.Lock()
		batch := s.queue
		s.queue = nil
		s.queueMu.Unlock()
		s.commit(batch)
	}
	return p.rev, p.err
}

// commit evaluates proposals in turn, each on what its predecessors leave, and
// publishes them together. The caller holds commitMu.
func (s *Store) commit(batch []*proposal) {
	err := s.Err()
	if err == nil {
		err = s.commitOpen(batch)
	}
	for _, p := range batch {
		p.done = true
		if err != nil {
			p.err = err
		}
	}
}

func (s *Store) commitOpen(batch []*proposal) error {
	head := s.state.Load()
	changes := Changes{Revision: head.rev}
	current := head.latest()
	var revisions []revision
	for _, p := range batch {
		t := &txn{tree: current, rev: changes.Revision + 1, leases: &s.leases}
		if p.err = p.apply(t); p.err == nil {
			if len(t.events) > 0 {
				current = t.tree
				changes.Revision++
				revisions = append(revisions, t.revision(s.clock.Now()))
			}
			s.leases.update(t.granted, t.ended)
			changes.Events = append(changes.Events, t.events...)
			changes.Granted = append(changes.Granted, t.granted...)
			changes.Ended = append(changes.Ended, t.ended...)
		}
		p.rev = changes.Revision
	}
	if changes.empty() {
		return nil
	}
	if s.log != nil {
		if err := s.log.Commit(changes); err != nil {
			err = fmt.Errorf("mvcc: the log failed, no changes are taken until a restart: %w", err)
			s.failed.Store(&err)
			return err
		}
	}
	if len(revisions) > 0 {
		s.publish(head, revisions)
	}
	if len(changes.Granted) > 0 || len(head.history) == 1 {
		s.wakeHousekeeper()
	}
	return nil
}

// publish makes revisions visible, first to readers, then to watches.
func (s *Store) publish(head *state, revisions []revision) {
	s.state.Store(head.with(revisions, s.limits))
	s.watches.notify(head.rev+1, revisions)
}
