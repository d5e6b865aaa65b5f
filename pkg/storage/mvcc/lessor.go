// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"context"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// maxTTL is etcd's bound on what can be granted, in seconds.
const maxTTL = 9_000_000_000

// lessor grants leases. They end by themselves.
type lessor struct {
	store *Store
}

var _ clientv3.Lease = lessor{}

// Grant begins a lease of at least a second.
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
	return &clientv3.LeaseGrantResponse{ResponseHeader: &pb.ResponseHeader{Revision: rev}, ID: lease.ID, TTL: ttl}, nil
}

// Revoke isn't supported, nor is what follows.
func (lessor) Revoke(context.Context, clientv3.LeaseID) (*clientv3.LeaseRevokeResponse, error) {
	return nil, unsupported("Revoke")
}

func (lessor) TimeToLive(context.Context, clientv3.LeaseID, ...clientv3.LeaseOption) (*clientv3.LeaseTimeToLiveResponse, error) {
	return nil, unsupported("TimeToLive")
}

func (lessor) Leases(context.Context) (*clientv3.LeaseLeasesResponse, error) {
	return nil, unsupported("Leases")
}

func (lessor) KeepAlive(context.Context, clientv3.LeaseID) (<-chan *clientv3.LeaseKeepAliveResponse, error) {
	return nil, unsupported("KeepAlive")
}

func (lessor) KeepAliveOnce(context.Context, clientv3.LeaseID) (*clientv3.LeaseKeepAliveResponse, error) {
	return nil, unsupported("KeepAliveOnce")
}

// Close does nothing; leases don't end with a client.
func (lessor) Close() error { return nil }
