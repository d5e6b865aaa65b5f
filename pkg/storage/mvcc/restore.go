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

// newState is the state of a store at a moment: the restored one, or with a
// nil snapshot an empty one.
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
		next, err := restored.replay(made)
		if err != nil {
			return nil, fmt.Errorf("revision %d: %w", restored.rev+1, err)
		}
		restored.rev++
		restored.size += next.size
		restored.history = append(restored.history, next)
	}
	if restored.rev != from.Revision {
		return nil, fmt.Errorf("the history ends with revision %d, the store is at %d", restored.rev, from.Revision)
	}
	return restored, from.checkLeases(restored.latest())
}

// base is the oldest revision that can be read.
func (s *Snapshot) base() (revision, error) {
	if s.Compacted < 0 || s.Revision < max(s.Compacted, 1) {
		return revision{}, fmt.Errorf("it can't be at revision %d and compacted at %d", s.Revision, s.Compacted)
	}
	t := newTree()
	for _, kv := range s.KeyValues {
		if kv.ModRevision > s.Compacted {
			return revision{}, fmt.Errorf("key %q is of revision %d, later than the compacted %d", kv.Key, kv.ModRevision, s.Compacted)
		}
		if _, twice := t.ReplaceOrInsert(kv); twice {
			return revision{}, fmt.Errorf("key %q is there twice", kv.Key)
		}
	}
	return revision{tree: t, bare: s.Compacted > 0}, nil
}

// checkLeases finds a key whose lease isn't known, which would never end.
func (s *Snapshot) checkLeases(t *tree) (err error) {
	known := newLeases(s.Leases)
	t.Ascend(func(kv *mvccpb.KeyValue) bool {
		if kv.Lease != 0 && !known.has(clientv3.LeaseID(kv.Lease)) {
			err = fmt.Errorf("key %q is of lease %d, which isn't known", kv.Key, kv.Lease)
		}
		return err == nil
	})
	return err
}

// replay is the revision after a state.
func (s *state) replay(made Revision) (revision, error) {
	if len(made.Events) == 0 {
		return revision{}, errors.New("it changes nothing")
	}
	t := s.latest().Clone()
	for _, event := range made.Events {
		previous, existed := t.Get(event.Kv)
		if err := checkSuccession(previous, event, s.rev+1); err != nil {
			return revision{}, fmt.Errorf("key %q: %w", event.Kv.Key, err)
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
	return newRevision(made.At, made.Events, t), nil
}

// checkSuccession checks that an event of a revision can follow on the
// previous version of its key, which may be nil.
func checkSuccession(previous *mvccpb.KeyValue, event *clientv3.Event, rev int64) error {
	want := mvccpb.KeyValue{ModRevision: rev, CreateRevision: rev, Version: 1}
	switch {
	case event.Type == clientv3.EventTypeDelete && previous == nil:
		return errors.New("it is deleted, and wasn't there")
	case event.Type == clientv3.EventTypeDelete:
		want.CreateRevision, want.Version = 0, 0
	case previous != nil:
		want.CreateRevision, want.Version = previous.CreateRevision, previous.Version+1
	}
	if got := event.Kv; got.ModRevision != want.ModRevision || got.CreateRevision != want.CreateRevision || got.Version != want.Version {
		return fmt.Errorf("it is version %d of revision %d since %d, and should be %d of %d since %d",
			got.Version, got.ModRevision, got.CreateRevision, want.Version, want.ModRevision, want.CreateRevision)
	}
	return nil
}
