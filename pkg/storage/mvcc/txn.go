// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"bytes"
	"slices"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// txn evaluates one change. It reads the state before it and its own changes,
// which all have one revision. A failed change discards its txn.
type txn struct {
	tree   *tree
	own    bool // tree was cloned for this txn
	rev    int64
	events []*clientv3.Event
}

func (t *txn) get(key []byte) *mvccpb.KeyValue {
	kv, _ := t.tree.Get(&mvccpb.KeyValue{Key: key})
	return kv
}

// put returns the previous version, or nil. It retains key and value, which etcd's client has copied.
func (t *txn) put(key, value []byte) (*mvccpb.KeyValue, error) {
	if len(key) == 0 {
		return nil, rpctypes.ErrEmptyKey
	}
	if slices.ContainsFunc(t.events, func(e *clientv3.Event) bool { return bytes.Equal(e.Kv.Key, key) }) {
		return nil, rpctypes.ErrDuplicateKey
	}
	kv := &mvccpb.KeyValue{Key: key, Value: value, CreateRevision: t.rev, ModRevision: t.rev, Version: 1}
	previous := t.get(key)
	if previous != nil {
		kv.Key = previous.Key
		kv.CreateRevision, kv.Version = previous.CreateRevision, previous.Version+1
	}
	t.mutable().ReplaceOrInsert(kv)
	t.events = append(t.events, &clientv3.Event{Type: clientv3.EventTypePut, Kv: kv, PrevKv: previous})
	return previous, nil
}

// delete returns the deleted versions.
func (t *txn) delete(in keyRange) ([]*mvccpb.KeyValue, error) {
	if len(in.key) == 0 {
		return nil, rpctypes.ErrEmptyKey
	}
	var deleted []*mvccpb.KeyValue
	in.ascend(t.tree, func(kv *mvccpb.KeyValue) bool { deleted = append(deleted, kv); return true })
	for _, kv := range deleted {
		if kv.ModRevision == t.rev {
			return nil, rpctypes.ErrDuplicateKey
		}
		t.mutable().Delete(kv)
		tombstone := &mvccpb.KeyValue{Key: kv.Key, ModRevision: t.rev}
		t.events = append(t.events, &clientv3.Event{Type: clientv3.EventTypeDelete, Kv: tombstone, PrevKv: kv})
	}
	return deleted, nil
}

// mutable returns a tree to modify. It clones the tree on the first call, so a txn that only reads copies nothing.
func (t *txn) mutable() *tree {
	if !t.own {
		t.tree, t.own = t.tree.Clone(), true
	}
	return t.tree
}
