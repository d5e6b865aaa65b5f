// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/kubernetes"
)

// Client returns an etcd client of the store. Its watches end with ctx, with
// its Close, and with the store; nothing else of it needs to be closed.
func (s *Store) Client(ctx context.Context) *kubernetes.Client {
	client := clientv3.NewCtxClient(ctx)
	client.KV = clientv3.NewKVFromKVClient(server{s}, client)
	client.Watcher = newWatcher(client.Ctx(), s)
	client.Lease = noLeases{}
	both := &kubernetes.Client{Client: client}
	both.Kubernetes = both
	return both
}

// noLeases rejects leases.
type noLeases struct {
	clientv3.Lease
}

// Grant returns an error.
func (noLeases) Grant(context.Context, int64) (*clientv3.LeaseGrantResponse, error) {
	return nil, unsupported("a lease")
}

// Close does nothing.
func (noLeases) Close() error { return nil }
