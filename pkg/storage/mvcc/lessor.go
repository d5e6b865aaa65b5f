// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"context"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// maxTTL is etcd's limit, in seconds.
const maxTTL = 9_000_000_000

// lessor grants leases, which end by themselves. It has no other method of the interface that it embeds.
type lessor struct {
	clientv3.Lease
	store *Store
}

// Grant starts a lease of at least a second.
func (l lessor) Grant(ctx context.Context, ttl int64) (*clientv3.LeaseGrantResponse, error) {
	if ttl > maxTTL {
		return nil, rpctypes.ErrLeaseTTLTooLarge
	}
	ttl = max(ttl, 1)
	var lease Lease
	rev, err := l.store.update(ctx, func(t *txn) error {
		lease = t.grant(time.Duration(ttl)*time.Second, l.store.clock.Now())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &clientv3.LeaseGrantResponse{ResponseHeader: header(rev), ID: lease.ID, TTL: ttl}, nil
}

// Close does nothing; leases do not end with a client.
func (lessor) Close() error { return nil }
