// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package storage opens the storage below the registry.
//
// All backends share the storage code of k8s.io/apiserver for etcd, with its watch cache on top. They differ in the
// etcd client below. NewMemory uses a store inside the process, which ends with it. NewFile uses the same store,
// and writes each change to a file before it is acknowledged; it continues where the last process ended, however
// that ended. NewEtcd uses an etcd cluster, which any number of processes can share.
package storage

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"sync"

	"go.etcd.io/etcd/client/v3/kubernetes"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/apiserver/pkg/storage/etcd3"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/utils/clock"
)

// DefaultPrefix is the default of Config.Prefix.
const DefaultPrefix = "/registry"

// Config configures a backend.
type Config struct {
	// Codec encodes what is stored and decodes it again.
	Codec runtime.Codec
	// Prefix is the prefix of all keys of NewMemory and NewFile; "" is DefaultPrefix.
	Prefix string
	// Dir is the data directory of NewFile, which creates it if needed. One process uses it at a time.
	Dir string
	// Clock measures the age of history and caches; nil is the real clock.
	Clock clock.WithTicker
	// Revision is the first revision of NewMemory, 0 for the default. What is older counts as compacted.
	Revision int64
}

func (c Config) complete() (Config, error) {
	if c.Codec == nil {
		return c, errors.New("storage: a codec is required")
	}
	if c.Prefix == "" {
		c.Prefix = DefaultPrefix
	}
	if c.Clock == nil {
		c.Clock = clock.RealClock{}
	}
	return c, nil
}

// Backend is an open storage. It owns the caches of its resources. The caller that
// opened it closes it, after the servers that use it.
type Backend struct {
	config Config
	source source

	mu     sync.Mutex
	closed bool
	opened []*resource
}

// source is the part below the storage code.
type source struct {
	client    *kubernetes.Client
	compactor etcd3.Compactor
	checks    []healthz.HealthChecker
	// elect takes part in an election once, nil if no other process uses the storage.
	elect func(ctx context.Context, key string, lead func(context.Context)) error
	// close stops the client and an embedded store, and waits for them.
	close func() error
}

// RESTOptionsGetter returns the options with which a registry stores resources here.
func (b *Backend) RESTOptionsGetter() generic.RESTOptionsGetter { return restOptions{b} }

// Close stops the caches of all resources, then the storage below them. Watches
// and reads in progress end with an error. Closing again does nothing.
func (b *Backend) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	for _, opened := range slices.Backward(b.opened) {
		opened.close()
	}
	if err := b.source.close(); err != nil {
		return fmt.Errorf("storage: closing: %w", err)
	}
	return nil
}

// restOptions is a Backend as registries see it.
type restOptions struct {
	backend *Backend
}

var _ generic.RESTOptionsGetter = restOptions{}

// GetRESTOptions returns options that open the resource on first use. They set no finalizers for garbage
// collection, because there is no garbage collector, and do not count objects periodically.
func (o restOptions) GetRESTOptions(of schema.GroupResource, _ runtime.Object) (generic.RESTOptions, error) {
	config := storagebackend.NewDefaultConfig(o.backend.config.Prefix, o.backend.config.Codec)
	return generic.RESTOptions{
		StorageConfig:           config.ForResource(of),
		Decorator:               o.backend.open,
		ResourcePrefix:          ResourcePrefix(of),
		DeleteCollectionWorkers: 1,
	}, nil
}

// ResourcePrefix follows Config.Prefix in the keys of a resource.
func ResourcePrefix(of schema.GroupResource) string { return path.Join("/", of.Group, of.Resource) }
