// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"context"
	"errors"
	"fmt"
)

var (
	// ErrUncertain is wrapped by the error of a change whose commit failed.
	// The change may turn out to be stored when the Log is opened again.
	ErrUncertain = errors.New("the change may have been stored")
	// ErrReadOnly is wrapped by the error of a change that was not tried
	// because an earlier commit failed and the Log is not open again yet.
	ErrReadOnly = errors.New("the storage accepts no changes")

	// errAbandoned is the result of a proposal until it has another.
	errAbandoned = errors.New("mvcc: change was abandoned")
)

// proposal is a queued change.
type proposal struct {
	apply func(*txn) error
	done  bool
	rev   int64 // of the store after the change, or when the change was rejected
	err   error
}

// attempt is one commit: what it adds to the Log, and what the store becomes once that is durable.
type attempt struct {
	changes   Changes
	state     *state
	leases    leases
	revisions []revision // those that state adds
}

// update makes a change and returns when it is published, with the revision of the store after it. A change that
// has begun ignores the cancellation of ctx: it is short, and its outcome would be unknown.
func (s *Store) update(ctx context.Context, apply func(*txn) error) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return s.propose(apply)
}

// propose queues a change. The goroutine that acquires commitMu first commits
// all queued changes together, so that a slow log is used once for many.
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
		err := s.commit(batch)
		for _, p := range batch {
			p.done = true
			if err != nil {
				p.err = err
			}
		}
	}
	return p.rev, p.err
}

// commit evaluates proposals in order, each on the result of the one before it,
// and publishes them together. The caller holds commitMu.
func (s *Store) commit(batch []*proposal) error {
	if s.closed.Load() {
		return ErrClosed
	}
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
	return s.advance(changes, leases, revisions)
}

// advance commits and publishes revisions and changes of leases. The caller holds commitMu.
func (s *Store) advance(changes Changes, leases leases, revisions []revision) error {
	for _, r := range revisions {
		changes.Made = append(changes.Made, Revision{r.at, r.events})
	}
	if changes.empty() {
		return nil
	}
	if err := s.writable(); err != nil {
		return err
	}
	next, passed := s.state.Load().with(revisions, s.limits)
	changes.Compacted, changes.Forgotten = next.compacted, forgotten(passed)
	return s.perform(attempt{changes, next, leases, revisions})
}

// writable returns why nothing can be committed. It has to be called before a new state is made: states share an
// array, and the one of an unresolved attempt must stay intact. The caller holds commitMu.
func (s *Store) writable() error {
	if s.unresolved != nil {
		return fmt.Errorf("%w: %w", ErrReadOnly, *s.failed.Load())
	}
	return nil
}

// perform makes an attempt durable, then visible. After an error the store is
// unchanged, and read-only. The caller holds commitMu.
func (s *Store) perform(a attempt) error {
	if s.log != nil {
		if err := s.log.Commit(a.changes); err != nil {
			s.fail(&a, err)
			return fmt.Errorf("%w: %w", ErrUncertain, err)
		}
	}
	s.publish(a)
	return nil
}

// publish makes a durable attempt visible, first to readers, then to watches.
func (s *Store) publish(a attempt) {
	head := s.state.Load()
	s.leases = a.leases
	s.state.Store(a.state)
	if len(a.revisions) > 0 {
		s.watches.notify(head.rev+1, a.revisions)
	}
	if len(a.changes.Granted) > 0 || len(head.history) == 1 {
		s.wakeHousekeeper()
	}
}
