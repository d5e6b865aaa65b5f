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
	client.Lease = lessor{store: s}
	both := &kubernetes.Client{Client: client}
	both.Kubernetes = both
	return both
}
