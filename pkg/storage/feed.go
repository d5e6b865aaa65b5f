// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"sync"

	"k8s.io/apiserver/pkg/storage"

	"k8s.io/apimachinery/pkg/watch"
)

// feed is the storage as a cache watches it. It exists because a cache hangs
// for ever when it is stopped with more changes coming in than it has room for.
type feed struct {
	storage.Interface

	mu     sync.Mutex
	closed bool
	last   *fedWatch // a cache has one watch at a time
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
