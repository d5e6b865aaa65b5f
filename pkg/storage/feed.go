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

// feed is the storage that a cache lists and watches. It records the version that the cache starts from, and ends
// the watch of the cache: a cache that is stopped while more changes arrive than it can buffer hangs for ever.
type feed struct {
	storage.Interface
	// since is the version that the cache has last started from.
	since atomic.Uint64

	mu     sync.Mutex
	closed bool
	last   *fedWatch // a cache has one watch at a time
}

// IsWatchListSemanticsUnSupported makes the cache start with a list. That costs the
// same as a watch with initial events, which the storage implements by a list.
func (f *feed) IsWatchListSemanticsUnSupported() bool { return true }

// GetList records the version of the list, from which the cache starts.
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

// Watch returns the storage's watch. After close it returns a watch without events.
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
	f.last = &fedWatch{Interface: opened, stopped: make(chan struct{})}
	return f.last, nil
}

// close ends the watch and waits until the cache has received all of its events.
func (f *feed) close() {
	f.mu.Lock()
	f.closed = true
	last := f.last
	f.mu.Unlock()
	if last != nil {
		last.Interface.Stop()
		<-last.stopped
	}
}

// fedWatch reports when the cache has stopped it.
type fedWatch struct {
	watch.Interface
	once    sync.Once
	stopped chan struct{}
}

// Stop is called by the cache at the end, more than once.
func (w *fedWatch) Stop() {
	w.Interface.Stop()
	w.once.Do(func() { close(w.stopped) })
}
