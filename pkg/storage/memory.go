// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"

	"go.etcd.io/etcd/api/v3/version"
	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/feature"

	"tilt.dev/session/pkg/storage/mvcc"
)

// NewMemory opens a storage that ends with its process.
func NewMemory(config Config) (*Backend, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	options := mvcc.Options{Clock: config.Clock}
	if config.Revision > 0 {
		options.Restore = &mvcc.Snapshot{Revision: config.Revision, Compacted: config.Revision}
	}
	store, err := mvcc.New(options)
	if err != nil {
		return nil, err
	}
	return newEmbedded(config, store, func() error { return nil }), nil
}

// newEmbedded returns the backend of a store in this process, which it owns.
// Closing the backend closes the store, then calls closeLog.
func newEmbedded(config Config, store *mvcc.Store, closeLog func() error) *Backend {
	ctx := context.Background() // the client ends with the store
	announceProgress(ctx)
	client := store.Client(ctx)
	client.Kubernetes = translated{client.Kubernetes, func(err error) error { return err }, fileWriteError}
	return &Backend{config: config, source: source{
		client:    client,
		compactor: store,
		checks:    []healthz.HealthChecker{embeddedCheck(client, config.Prefix, store.Err)},
		close:     func() error { store.Close(); return closeLog() },
	}}
}

// embedded represents the stores inside this process as an etcd endpoint.
type embedded struct{}

// Endpoints returns one name for all of them, so that they are checked once.
func (embedded) Endpoints() []string { return []string{"embedded"} }

// Status returns the version of etcd whose behavior they have.
func (embedded) Status(context.Context, string) (*clientv3.StatusResponse, error) {
	return &clientv3.StatusResponse{Version: version.Version}, nil
}

// announceProgress enables the feature that watches send their progress on request, which consistent and streamed
// lists from the cache need. The storage code keeps the feature for the whole process, and enables it once an
// endpoint of a client has reported a suitable version. An embedded store has no endpoint; the type embedded
// represents it. An etcd without the feature still disables it. The check completes shortly after this function
// returns. Until then consistent lists are read from the storage, and streamed ones are rejected, so that clients
// fall back to a list.
func announceProgress(ctx context.Context) {
	feature.DefaultFeatureSupportChecker.CheckClient(ctx, embedded{}, storage.RequestWatchProgress)
}
