// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"context"
	"errors"
	"fmt"
	"time"
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
	revisions []revision // those that state adds
}

// update makes a change and returns when it is published, with the revision of the store after it. A change that
// has begun ignores the cancellation of ctx: it is short, and its outcome would be unknown.
//
// It queues the change. The goroutine that acquires commitMu first commits all
// queued changes together, so that a slow log is used once for many.
func (s *Store) update(ctx context.Context, apply func(*txn) error) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
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
	rev, current := head.rev, head.latest()
	var revisions []revision
	for _, p := range batch {
		t := &txn{tree: current, rev: rev + 1}
		if p.err = p.apply(t); p.err == nil && len(t.events) > 0 {
			rev, current = t.rev, t.tree
			revisions = append(revisions, newRevision(s.clock.Now(), t.events, t.tree))
		}
		p.rev = rev
	}
	return s.advance(revisions)
}

// advance commits and publishes revisions. The caller holds commitMu.
func (s *Store) advance(revisions []revision) error {
	if len(revisions) == 0 {
		return nil
	}
	if err := s.writable(); err != nil {
		return err
	}
	next, passed := s.state.Load().with(revisions, s.limits)
	changes := Changes{Revision: next.rev, Compacted: next.compacted, Forgotten: forgotten(passed)}
	for _, r := range revisions {
		changes.Made = append(changes.Made, Revision{r.at, r.events})
	}
	return s.perform(attempt{changes, next, revisions})
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
	head := s.state.Swap(a.state)
	s.watches.notify(head.rev+1, a.revisions)
}

// retryInterval is the time between a failure of the Log and the next Reopen.
const retryInterval = time.Second

// fail makes the store read-only until the outcome of an attempt is known. The caller holds commitMu.
func (s *Store) fail(a *attempt, err error) {
	s.unresolved = a
	s.failed.Store(&err)
	select {
	case s.wake <- struct{}{}:
	default: // a wake-up is pending
	}
}

// resolve reopens a Log whose last commit failed. A commit that the Log holds is published; otherwise the revisions of
// that commit stay empty.
func (s *Store) resolve() {
	s.commitMu.Lock()
	defer s.commitMu.Unlock()
	a := s.unresolved
	if a == nil || s.closed.Load() {
		return
	}
	held, err := s.log.Reopen()
	if err != nil {
		s.fail(a, err)
		return
	}
	s.unresolved = nil
	if held {
		s.publish(*a)
	} else if s.skip(a.state.rev) != nil {
		return // skip has called fail
	}
	s.failed.Store(nil)
}

// skip commits empty revisions up to one that a failed commit has used. A client or a later process therefore never
// sees that revision with different content. The caller holds commitMu.
func (s *Store) skip(rev int64) error {
	head := s.state.Load()
	var empty []revision
	for range rev - head.rev {
		empty = append(empty, newRevision(s.clock.Now(), nil, head.latest()))
	}
	return s.advance(empty)
}
