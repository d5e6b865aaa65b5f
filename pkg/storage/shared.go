// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"fmt"
	"path"

	"go.etcd.io/etcd/client/v3/kubernetes"
)

// Shared returns a value that all processes share which use the storage. The first that asks for it creates it.
func (b *Backend) Shared(ctx context.Context, name string, create func() ([]byte, error)) ([]byte, error) {
	// Offline commands take everything below the prefix of an embedded store for objects.
	key := path.Join("/private", name)
	if b.source.elect != nil {
		key = path.Join(b.config.Prefix, key)
	}
	client := b.source.client.Kubernetes
	for {
		stored, err := client.Get(ctx, key, kubernetes.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("read the shared %s: %w", name, err)
		}
		if stored.KV != nil {
			return stored.KV.Value, nil
		}
		created, err := create()
		if err != nil {
			return nil, fmt.Errorf("create the shared %s: %w", name, err)
		}
		put, err := client.OptimisticPut(ctx, key, created, 0, kubernetes.PutOptions{})
		if err != nil {
			return nil, fmt.Errorf("store the shared %s: %w", name, err)
		}
		if put.Succeeded {
			return created, nil
		}
	}
}
