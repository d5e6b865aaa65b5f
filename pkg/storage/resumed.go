// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"strconv"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
)

// resumed is a cached storage whose watches can start before its cache does: a client may have started them at
// another server, before this server restarted, or before the cache lost its own watch. The cache has no events of
// that time and would end such a watch as expired. It is therefore opened below the cache, and ends after the first
// event that the cache has too. The client then continues from that event, in the cache. Until such an event comes,
// the watch costs little.
type resumed struct {
	storage.Interface
	below   storage.Interface
	since   func() uint64 // the version that the cache starts from, 0 without one
	watches *resumedWatches
}

// Watch watches the cache, or below it for an earlier version.
func (r resumed) Watch(ctx context.Context, key string, options storage.ListOptions) (watch.Interface, error) {
	// The cache rejects an invalid version.
	version, _ := strconv.ParseUint(options.ResourceVersion, 10, 64)
	if version == 0 || version >= r.since() || options.SendInitialEvents != nil {
		return r.Interface.Watch(ctx, key, options)
	}
	ctx, cancel := context.WithCancel(ctx)
	history, err := r.below.Watch(ctx, key, options)
	if err != nil {
		cancel()
		return nil, err
	}
	w := &resumedWatch{history: history, since: r.since, cancel: cancel, events: make(chan watch.Event)}
	r.watches.run(ctx, w)
	return w, nil
}

// resumedWatches owns the goroutines of watches. newResumedWatches makes one.
type resumedWatches struct {
	ctx    context.Context // canceled by close
	cancel context.CancelFunc

	mu      sync.Mutex // for running.Go and close
	running sync.WaitGroup
}

func newResumedWatches() *resumedWatches {
	ctx, cancel := context.WithCancel(context.Background())
	return &resumedWatches{ctx: ctx, cancel: cancel}
}

// run serves a watch until it ends, or until close is called.
func (r *resumedWatches) run(ctx context.Context, w *resumedWatch) {
	stop := context.AfterFunc(r.ctx, w.cancel)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		w.history.Stop()
		close(w.events)
		return
	}
	r.running.Go(func() {
		defer stop()
		w.run(ctx)
	})
}

// close ends all watches and waits for them. Later ones end at once.
func (r *resumedWatches) close() {
	r.mu.Lock()
	r.cancel()
	r.mu.Unlock()
	r.running.Wait()
}

// resumedWatch passes on the events of a watch below the cache. Its goroutine ends
// with the context, with Stop, or with that watch.
type resumedWatch struct {
	history watch.Interface
	since   func() uint64
	cancel  context.CancelFunc
	events  chan watch.Event
}

// Stop implements watch.Interface.
func (w *resumedWatch) Stop() { w.cancel() }

// ResultChan implements watch.Interface.
func (w *resumedWatch) ResultChan() <-chan watch.Event { return w.events }

func (w *resumedWatch) run(ctx context.Context) {
	defer close(w.events)
	defer w.cancel()
	defer w.history.Stop()
	for event := range w.history.ResultChan() {
		select {
		case w.events <- event:
		case <-ctx.Done():
			return
		}
		if w.isCached(event) {
			return
		}
	}
}

// isCached reports whether a client can continue from an event in the cache.
func (w *resumedWatch) isCached(event watch.Event) bool {
	accessor, err := meta.Accessor(event.Object)
	if err != nil {
		return false // an error, which ends the watch anyway
	}
	version, err := strconv.ParseUint(accessor.GetResourceVersion(), 10, 64)
	since := w.since()
	return err == nil && since > 0 && version >= since
}
