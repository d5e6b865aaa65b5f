// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// newState is the state of a store without history at a moment: the restored
// one, or with a nil snapshot an empty one.
func newState(from *Snapshot, now time.Time) (*state, error) {
	t := newTree()
	first := &state{rev: 1, history: []revision{{at: now, tree: t}}}
	if from == nil {
		return first, nil
	}
	if from.Revision < 1 {
		return nil, errors.New("the revision must be at least 1")
	}
	first.rev, first.compacted = from.Revision, from.Revision
	first.history[0].bare = true
	known := newLeases(from.Leases)
	for _, kv := range from.KeyValues {
		if kv.ModRevision > from.Revision {
			return nil, fmt.Errorf("key %q is of revision %d, the store of %d", kv.Key, kv.ModRevision, from.Revision)
		}
		if kv.Lease != 0 && !known.has(clientv3.LeaseID(kv.Lease)) {
			return nil, fmt.Errorf("key %q is of lease %d, which isn't known", kv.Key, kv.Lease)
		}
		if _, twice := t.ReplaceOrInsert(kv); twice {
			return nil, fmt.Errorf("key %q is there twice", kv.Key)
		}
	}
	return first, nil
}
