// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/feature"
	"k8s.io/klog/v2"
)

// askProgressEvery is how often the storage is asked how far a watch is that catches
// up. It doesn't answer while it's sending history.
const askProgressEvery = 250 * time.Millisecond

// catchUps are the watches of a resource that go over to its cache.
type catchUps struct {
	mu      sync.Mutex
	closed  bool
	cancels map[*catchingUp]context.CancelFunc
	running sync.WaitGroup
}

// start runs a watch, unless it's too late for that.
func (c *catchUps) start(w *catchingUp, run func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errors.New("storage: the backend is closed")
	}
	if c.cancels == nil {
		c.cancels = map[*catchingUp]context.CancelFunc{}
	}
	c.cancels[w] = w.cancel
	c.running.Go(func() {
		defer c.forget(w)
		run()
	})
	return nil
}

func (c *catchUps) forget(w *catchingUp) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.cancels, w)
}

// close ends all of them and waits for that.
func (c *catchUps) close() {
	c.mu.Lock()
	c.closed = true
	for _, cancel := range c.cancels {
		cancel()
	}
	c.mu.Unlock()
	c.running.Wait()
}

// catchUp watches the storage below the cache until it has sent what was before
// the cache, and the cache from there on: each watch below it costs the storage,
// and the decoding of each event, for as long as it lasts.
func (r resumed) catchUp(ctx context.Context, key string, options storage.ListOptions) (watch.Interface, error) {
	ctx, cancel := context.WithCancel(aloneInStream(ctx))
	ctx, opened := announceOpening(ctx)
	below := options
	below.ProgressNotify = true
	history, err := r.below.Watch(ctx, key, below)
	if err != nil {
		cancel()
		return nil, err
	}
	w := &catchingUp{storage: r, key: key, options: options, cancel: cancel, opened: opened, events: make(chan watch.Event)}
	if err := r.catchUps.start(w, func() { w.run(ctx, history) }); err != nil {
		history.Stop()
		cancel()
		return nil, err
	}
	return w, nil
}

// catchingUp is a watch that goes over to the cache. Its goroutine ends with the
// watch, which ends with its context, by Stop, or with the storage.
type catchingUp struct {
	storage resumed
	key     string
	options storage.ListOptions
	cancel  context.CancelFunc
	// opened is closed once the storage knows the watch.
	opened <-chan struct{}
	events chan watch.Event
}

// Stop implements watch.Interface.
func (w *catchingUp) Stop() { w.cancel() }

// ResultChan implements watch.Interface.
func (w *catchingUp) ResultChan() <-chan watch.Event { return w.events }

func (w *catchingUp) run(ctx context.Context, history watch.Interface) {
	defer close(w.events)
	defer w.cancel()
	cached := w.send(ctx, history)
	history.Stop()
	if cached == nil {
		return
	}
	defer cached.Stop()
	for event := range cached.ResultChan() {
		if !w.hand(ctx, event) {
			return
		}
	}
}

// send sends what is below the cache, and returns the watch of the cache that goes
// on from there, nil if it has ended before. Only by its progress it's known that
// all changes up to a version were sent.
func (w *catchingUp) send(ctx context.Context, history watch.Interface) watch.Interface {
	opened := w.opened
	ask := time.NewTicker(askProgressEvery)
	defer ask.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-opened:
			opened = nil
			w.askProgress(ctx)
		case <-ask.C:
			// What hasn't been taken yet may be the end of it.
			if opened == nil && len(history.ResultChan()) == 0 {
				w.askProgress(ctx)
			}
		case event, open := <-history.ResultChan():
			switch {
			case !open:
				return nil
			case event.Type == watch.Bookmark:
				if cached := w.goOver(ctx, event); cached != nil {
					return cached
				}
			case !w.hand(ctx, event):
				return nil
			}
		}
	}
}

// askProgress has the history tell how far it is. A storage that isn't known to do
// that well isn't asked, and is watched to the end. While etcd is away nobody takes
// the question, and what was received before has to go on.
func (w *catchingUp) askProgress(ctx context.Context) {
	if !feature.DefaultFeatureSupportChecker.Supports(storage.RequestWatchProgress) {
		return
	}
	asking, cancel := context.WithTimeout(ctx, askProgressEvery)
	defer cancel()
	if err := w.storage.below.RequestWatchProgress(asking); err != nil && ctx.Err() == nil {
		klog.FromContext(ctx).V(2).Info("A watch doesn't learn how far it is", "reason", err.Error())
	}
}

// goOver returns a watch of the cache from where the history is, or nil if that's
// too early.
func (w *catchingUp) goOver(ctx context.Context, bookmark watch.Event) watch.Interface {
	accessor, err := meta.Accessor(bookmark.Object)
	if err != nil {
		return nil
	}
	options := w.options
	options.ResourceVersion = accessor.GetResourceVersion()
	version, err := strconv.ParseUint(options.ResourceVersion, 10, 64)
	if err != nil || version < w.storage.since() {
		return nil
	}
	cached, err := w.storage.Interface.Watch(ctx, w.key, options)
	if err != nil {
		return nil // the cache begins anew: it's tried at the next bookmark
	}
	return cached
}

// hand returns false when nobody takes events any more.
func (w *catchingUp) hand(ctx context.Context, event watch.Event) bool {
	select {
	case w.events <- event:
		return true
	case <-ctx.Done():
		return false
	}
}
