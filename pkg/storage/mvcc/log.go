// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Log makes a store outlive its process. A store calls it from one goroutine at a time.
type Log interface {
	// Commit returns when all changes are durable. After an error the Log holds either all of them or none; the
	// store then calls Reopen before it commits again. Commits come in the order of revisions. The changes are
	// shared, and must not be modified.
	Commit(Changes) error
	// Reopen makes the Log usable after a failed Commit, and reports whether the Log holds the changes of that
	// Commit. If so, they are durable when Reopen returns. After an error the store calls Reopen again.
	Reopen() (held bool, err error)
}

// Changes is what one commit adds to a log.
type Changes struct {
	// Revision is the revision of the store after the changes.
	Revision int64
	// Made lists the new revisions up to Revision, in order; it may be empty.
	Made []Revision
	// Compacted is the oldest revision that can be read after the changes, 0 before the first compaction.
	Compacted int64
	// Forgotten lists the versions that cannot be read after the changes.
	Forgotten []Version
}

// Revision is what one revision changed. A revision whose commit failed has no events.
type Revision struct {
	At     time.Time
	Events []*clientv3.Event
}

// Version identifies what a revision made of a key: a value, or its deletion.
type Version struct {
	Key      []byte
	Revision int64
}

// Snapshot is what a Log holds: the sum of the changes committed to it. The store takes ownership of it.
type Snapshot struct {
	Revision, Compacted int64
	// KeyValues are the versions that were current at Compacted, each key
	// once, in any order. It is empty if Compacted is 0.
	KeyValues []*mvccpb.KeyValue
	// History lists the revisions after Compacted that have events, in order.
	// The events have no previous values yet.
	History []Revision
}

// newState returns the first state of a store: the restored one, or an empty one without a snapshot.
func newState(from *Snapshot, now time.Time) (*state, error) {
	if from == nil {
		return &state{rev: 1, history: []revision{{at: now, tree: newTree()}}}, nil
	}
	base, err := from.base()
	if err != nil {
		return nil, err
	}
	restored := &state{rev: max(from.Compacted, 1), compacted: from.Compacted, history: []revision{base}}
	for _, made := range from.History {
		if err := restored.replay(made); err != nil {
			return nil, fmt.Errorf("revision %d: %w", restored.rev+1, err)
		}
	}
	if restored.rev > from.Revision {
		return nil, fmt.Errorf("the history ends with revision %d, the store is at %d", restored.rev, from.Revision)
	}
	restored.pad(from.Revision, now)
	return restored, nil
}

// base returns the oldest revision that can be read.
func (s *Snapshot) base() (revision, error) {
	if s.Compacted < 0 || s.Revision < max(s.Compacted, 1) {
		return revision{}, fmt.Errorf("revision %d and compacted revision %d exclude each other", s.Revision, s.Compacted)
	}
	t := newTree()
	for _, kv := range s.KeyValues {
		if kv.ModRevision > s.Compacted {
			return revision{}, fmt.Errorf(
				"key %q has revision %d, later than the compacted %d",
				kv.Key,
				kv.ModRevision,
				s.Compacted,
			)
		}
		if _, twice := t.ReplaceOrInsert(kv); twice {
			return revision{}, fmt.Errorf("duplicate key %q", kv.Key)
		}
	}
	return revision{tree: t, bare: s.Compacted > 0}, nil
}

// replay adds a revision that has events, after empty ones where there is a gap.
func (s *state) replay(made Revision) error {
	if len(made.Events) == 0 {
		return errors.New("no events")
	}
	s.pad(made.Events[0].Kv.ModRevision-1, made.At)
	t := s.latest().Clone()
	for _, event := range made.Events {
		if event.Kv.ModRevision != s.rev+1 {
			return fmt.Errorf("key %q has revision %d", event.Kv.Key, event.Kv.ModRevision)
		}
		if previous, existed := t.Get(event.Kv); existed {
			event.PrevKv, event.Kv.Key = previous, previous.Key
		}
		if event.Type == clientv3.EventTypeDelete {
			t.Delete(event.Kv)
		} else {
			t.ReplaceOrInsert(event.Kv)
		}
	}
	s.push(newRevision(made.At, made.Events, t))
	return nil
}

// pad adds empty revisions up to rev.
func (s *state) pad(rev int64, at time.Time) {
	for s.rev < rev {
		s.push(revision{at: at, tree: s.latest()})
	}
}
