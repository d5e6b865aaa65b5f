// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"strconv"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/waitgroup"
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
	since   func() uint64   // the version that the cache starts from, 0 without one
	closing context.Context // ends the watches
	running *waitgroup.SafeWaitGroup
}

// Watch watches the cache, or below it for an earlier version.
func (r resumed) Watch(ctx context.Context, key string, options storage.ListOptions) (watch.Interface, error) {
	// The cache rejects an invalid version.
	version, _ := strconv.ParseUint(options.ResourceVersion, 10, 64)
	if version == 0 || version >= r.since() || options.SendInitialEvents != nil {
		return r.Interface.Watch(ctx, key, options)
	}
	if err := r.running.Add(1); err != nil {
		return nil, errors.New("storage: the backend is closed")
	}
	ctx, cancel := context.WithCancel(ctx)
	history, err := r.below.Watch(ctx, key, options)
	if err != nil {
		cancel()
		r.running.Done()
		return nil, err
	}
	w := &resumedWatch{history: history, since: r.since, cancel: cancel, events: make(chan watch.Event)}
	stop := context.AfterFunc(r.closing, cancel)
	go func() {
		defer r.running.Done()
		defer stop()
		w.run(ctx)
	}()
	return w, nil
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
