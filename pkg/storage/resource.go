// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/waitgroup"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/cacher"
	"k8s.io/apiserver/pkg/storage/etcd3"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/apiserver/pkg/storage/value/encrypt/identity"
	"k8s.io/client-go/tools/cache"
)

// open opens the storage of a resource. The returned function closes it, as does closing the backend.
func (b *Backend) open(
	config *storagebackend.ConfigForResource, prefix string, key func(runtime.Object) (string, error),
	newObject, newList func() runtime.Object, attributes storage.AttrFunc,
	triggers storage.IndexerFuncs, indexers *cache.Indexers,
) (storage.Interface, factory.DestroyFunc, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, nil, errors.New("storage: the backend is closed")
	}
	versioner := storage.APIObjectVersioner{}
	below, err := etcd3.New(b.source.client, b.source.compactor, config.Codec, newObject, newList,
		config.Prefix, prefix, config.GroupResource, identity.NewEncryptCheckTransformer(),
		etcd3.NewDefaultLeaseManagerConfig(), etcd3.NewDefaultDecoder(config.Codec, versioner), versioner)
	if err != nil {
		return nil, nil, fmt.Errorf("storage: opening %s: %w", config.GroupResource, err)
	}
	opened, err := newResource(below, cacher.Config{
		Versioner:           versioner,
		GroupResource:       config.GroupResource,
		EventsHistoryWindow: cacher.DefaultEventFreshDuration,
		ResourcePrefix:      prefix,
		KeyFunc:             key,
		GetAttrsFunc:        attributes,
		IndexerFuncs:        triggers,
		Indexers:            indexers,
		NewFunc:             newObject,
		NewListFunc:         newList,
		Codec:               config.Codec,
		Clock:               b.config.Clock,
	})
	if err != nil {
		below.Close()
		return nil, nil, fmt.Errorf("storage: caching %s: %w", config.GroupResource, err)
	}
	b.opened = append(b.opened, opened)
	return resumed{opened.delegator, below, opened.feed.since.Load, opened.closing, &opened.running}, opened.close, nil
}

// closer is the storage below a cache.
type closer interface {
	storage.Interface
	Close()
}

// resource is the storage of one resource: etcd's, with a cache on top.
type resource struct {
	once      sync.Once
	below     closer
	feed      *feed
	cacher    *cacher.Cacher
	delegator *cacher.CacheDelegator
	closing   context.Context // ends resumed watches
	cancel    context.CancelFunc
	running   waitgroup.SafeWaitGroup // of resumed watches
}

// newResource adds a cache to a storage, and takes ownership of the storage.
func newResource(below closer, config cacher.Config) (*resource, error) {
	fed := &feed{Interface: below}
	config.Storage = fed
	cached, err := cacher.NewCacherFromConfig(config)
	if err != nil {
		return nil, err
	}
	closing, cancel := context.WithCancel(context.Background())
	return &resource{
		below: below, feed: fed, cacher: cached, delegator: cacher.NewCacheDelegator(cached, below),
		closing: closing, cancel: cancel,
	}, nil
}

// close stops each layer before the one that it uses. Closing again does nothing.
func (r *resource) close() {
	r.once.Do(func() {
		r.cancel()
		r.running.Wait()
		r.delegator.Stop()
		r.feed.close()
		r.cacher.Stop()
		r.below.Close()
	})
}
