// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"maps"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// leases are the active leases. Each key names its lease. The value is immutable.
type leases struct {
	live map[clientv3.LeaseID]Lease
	last clientv3.LeaseID // the highest ID that was granted or restored
}

func newLeases(restored []Lease) leases { return leases{}.with(restored, nil) }

func (l leases) has(id clientv3.LeaseID) bool {
	_, ok := l.live[id]
	return ok
}

// with returns the leases without those that ended and with those granted.
func (l leases) with(granted []Lease, ended []clientv3.LeaseID) leases {
	if len(granted) == 0 && len(ended) == 0 {
		return l
	}
	next := leases{live: make(map[clientv3.LeaseID]Lease, len(l.live)+len(granted)), last: l.last}
	maps.Copy(next.live, l.live)
	for _, lease := range granted {
		next.live[lease.ID] = lease
		next.last = max(next.last, lease.ID)
	}
	for _, id := range ended {
		delete(next.live, id)
	}
	return next
}

// next returns the first deadline, or the zero time.
func (l leases) next() time.Time {
	var first time.Time
	for _, lease := range l.live {
		first = earlier(first, lease.Deadline)
	}
	return first
}

// expired returns the leases whose deadline is past, in the order of grants.
func (l leases) expired(now time.Time) []clientv3.LeaseID {
	var ids []clientv3.LeaseID
	for id, lease := range l.live {
		if !lease.Deadline.After(now) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// grant starts a lease.
func (t *txn) grant(ttl time.Duration, now time.Time) Lease {
	lease := Lease{ID: t.leases.last + 1, TTL: ttl, Deadline: now.Add(ttl)}
	t.granted = append(t.granted, lease)
	return lease
}

// end ends a lease and deletes its keys.
func (t *txn) end(id clientv3.LeaseID) error {
	if !t.leases.has(id) {
		return rpctypes.ErrLeaseNotFound
	}
	t.ended = append(t.ended, id)
	everything := keyRange{key: []byte{0}, end: []byte{0}}
	_, err := t.deleteAll(everything, func(kv *mvccpb.KeyValue) bool { return clientv3.LeaseID(kv.Lease) == id })
	return err
}
