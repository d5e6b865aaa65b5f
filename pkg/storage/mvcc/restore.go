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
	return restored, from.checkLeases(restored.latest())
}

// base returns the oldest revision that can be read.
func (s *Snapshot) base() (revision, error) {
	if s.Compacted < 0 || s.Revision < max(s.Compacted, 1) {
		return revision{}, fmt.Errorf("revision %d and compacted revision %d exclude each other", s.Revision, s.Compacted)
	}
	t := newTree()
	for _, kv := range s.KeyValues {
		if kv.ModRevision > s.Compacted {
			return revision{}, fmt.Errorf("key %q has revision %d, later than the compacted %d", kv.Key, kv.ModRevision, s.Compacted)
		}
		if _, twice := t.ReplaceOrInsert(kv); twice {
			return revision{}, fmt.Errorf("duplicate key %q", kv.Key)
		}
	}
	return revision{tree: t, bare: s.Compacted > 0}, nil
}

// checkLeases rejects keys of unknown leases, which would never end.
func (s *Snapshot) checkLeases(t *tree) (err error) {
	known := newLeases(s.Leases)
	t.Ascend(func(kv *mvccpb.KeyValue) bool {
		if kv.Lease != 0 && !known.has(clientv3.LeaseID(kv.Lease)) {
			err = fmt.Errorf("key %q has the unknown lease %d", kv.Key, kv.Lease)
		}
		return err == nil
	})
	return err
}

// replay adds a revision that has events, after empty ones where there is a gap.
func (s *state) replay(made Revision) error {
	if len(made.Events) == 0 {
		return errors.New("no events")
	}
	s.pad(made.Events[0].Kv.ModRevision-1, made.At)
	t := s.latest().Clone()
	for _, event := range made.Events {
		previous, existed := t.Get(event.Kv)
		if err := checkSuccession(previous, event, s.rev+1); err != nil {
			return fmt.Errorf("key %q: %w", event.Kv.Key, err)
		}
		if existed {
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

// checkSuccession checks that an event of a revision can follow the previous version of its key, which may be nil.
func checkSuccession(previous *mvccpb.KeyValue, event *clientv3.Event, rev int64) error {
	want := mvccpb.KeyValue{ModRevision: rev, CreateRevision: rev, Version: 1}
	switch {
	case event.Type == clientv3.EventTypeDelete && previous == nil:
		return errors.New("deleted, but did not exist")
	case event.Type == clientv3.EventTypeDelete:
		want.CreateRevision, want.Version = 0, 0
	case previous != nil:
		want.CreateRevision, want.Version = previous.CreateRevision, previous.Version+1
	}
	got := event.Kv
	if got.ModRevision != want.ModRevision || got.CreateRevision != want.CreateRevision || got.Version != want.Version {
		return fmt.Errorf("version %d of revision %d, created at %d, instead of %d of %d, created at %d",
			got.Version, got.ModRevision, got.CreateRevision, want.Version, want.ModRevision, want.CreateRevision)
	}
	return nil
}
