// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
)

// feed is the storage as a cache reads and watches it. It knows where the cache
// begins, and ends what it watches: a cache hangs for ever when it is stopped with
// more changes coming in than it has room for.
type feed struct {
	storage.Interface
	// since is the version that the cache has last begun from.
	since atomic.Uint64

	mu     sync.Mutex
	closed bool
	last   *fedWatch // a cache has one watch at a time
}

// IsWatchListSemanticsUnSupported has the cache begin by a list. It costs the
// same, as that is how the storage would begin a watch.
func (f *feed) IsWatchListSemanticsUnSupported() bool { return true }

// GetList notes the version of the list, which is what the cache begins from.
func (f *feed) GetList(ctx context.Context, key string, options storage.ListOptions, list runtime.Object) error {
	if err := f.Interface.GetList(ctx, key, options, list); err != nil {
		return err
	}
	accessor, err := meta.ListAccessor(list)
	if err != nil {
		return err
	}
	version, err := f.Versioner().ParseResourceVersion(accessor.GetResourceVersion())
	if err != nil {
		return err
	}
	f.since.Store(version)
	return nil
}

// Watch hands on the storage's watch. Nothing happens on one that is opened
// later than close.
func (f *feed) Watch(ctx context.Context, key string, options storage.ListOptions) (watch.Interface, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return watch.NewFake(), nil
	}
	opened, err := f.Interface.Watch(ctx, key, options)
	if err != nil {
		return nil, err
	}
	f.last = &fedWatch{Interface: opened, left: make(chan struct{})}
	return f.last, nil
}

// close ends the watch and waits until the cache has taken what it had sent.
func (f *feed) close() {
	f.mu.Lock()
	f.closed = true
	last := f.last
	f.mu.Unlock()
	if last != nil {
		last.Interface.Stop()
		<-last.left
	}
}

// fedWatch tells when the cache is done with it.
type fedWatch struct {
	watch.Interface
	once sync.Once
	left chan struct{}
}

// Stop is what the cache calls in the end, more than once.
func (w *fedWatch) Stop() {
	w.Interface.Stop()
	w.once.Do(func() { close(w.left) })
}
