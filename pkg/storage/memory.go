// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"

	"k8s.io/apiserver/pkg/server/healthz"

	"tilt.dev/session/pkg/storage/mvcc"
)

// NewMemory opens a storage that ends with its process.
func NewMemory(config Config) (*Backend, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	store, err := mvcc.New(mvcc.Options{Clock: config.Clock})
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
