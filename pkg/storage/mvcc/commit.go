// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"context"
	"errors"
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
	err := ErrClosed
	if !s.closed.Load() {
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
	current, leases := head.latest(), s.leases
	var revisions []revision
	for _, p := range batch {
		t := &txn{tree: current, rev: changes.Revision + 1, leases: leases}
		if p.err = p.apply(t); p.err == nil {
			if len(t.events) > 0 {
				current = t.tree
				changes.Revision++
				revisions = append(revisions, newRevision(s.clock.Now(), t.events, t.tree))
			}
			leases = leases.with(t.granted, t.ended)
			changes.Granted = append(changes.Granted, t.granted...)
			changes.Ended = append(changes.Ended, t.ended...)
		}
		p.rev = changes.Revision
	}
	for _, r := range revisions {
		changes.Made = append(changes.Made, Revision{r.at, r.events})
	}
	if changes.empty() {
		return nil
	}
	next, passed := head.with(revisions, s.limits)
	if err := s.write(changes, next, passed); err != nil {
		return err
	}
	s.leases = leases
	s.publish(head, next, revisions)
	if len(changes.Granted) > 0 || len(head.history) == 1 {
		s.wakeHousekeeper()
	}
	return nil
}

// write makes changes durable, if they are to be, with what the state after
// them forgets. The caller holds commitMu, and on an error leaves everything as
// it was.
func (s *Store) write(changes Changes, next *state, passed []revision) error {
	if s.log == nil {
		return nil
	}
	changes.Compacted, changes.Forgotten = next.compacted, forgotten(passed)
	if err := s.log.Commit(changes); err != nil {
		if s.failed.Swap(&err) == nil {
			s.wakeHousekeeper()
		}
		return err
	}
	s.failed.Store(nil)
	return nil
}

// publish makes revisions visible, first to readers, then to watches.
func (s *Store) publish(head, next *state, revisions []revision) {
	if len(revisions) == 0 {
		return
	}
	s.state.Store(next)
	s.watches.notify(head.rev+1, revisions)
}
