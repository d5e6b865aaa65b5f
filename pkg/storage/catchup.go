// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"strconv"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/feature"
	"k8s.io/klog/v2"
)

// askProgressEvery is how often the storage is asked how far watches are that catch
// up. It doesn't answer while it's sending history.
const askProgressEvery = 250 * time.Millisecond

// newProgressLimit bounds how often all watches of a resource ask together: each
// answer is for all of them.
func newProgressLimit() *rate.Limiter { return rate.NewLimiter(rate.Every(askProgressEvery), 1) }

// catchUp watches the storage below the cache until it has sent what was before
// the cache, and the cache from there on: each watch below it costs the storage,
// and the decoding of each event, for as long as it lasts.
func (r resumed) catchUp(ctx context.Context, key string, options storage.ListOptions) (watch.Interface, error) {
	ctx, cancel := context.WithCancel(ctx)
	below := options
	below.ProgressNotify = true
	history, err := r.below.Watch(ctx, key, below)
	if err != nil {
		cancel()
		return nil, err
	}
	w := &catchingUp{storage: r, key: key, options: options, cancel: cancel, events: make(chan watch.Event)}
	go w.run(ctx, history)
	return w, nil
}

// catchingUp is a watch that goes over to the cache. Its goroutine ends with the
// watch, which ends with its context, by Stop, or with the storage.
type catchingUp struct {
	storage resumed
	key     string
	options storage.ListOptions
	cancel  context.CancelFunc
	events  chan watch.Event
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
	ask := time.NewTimer(0)
	defer ask.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ask.C:
			w.askProgress(ctx)
			ask.Reset(askProgressEvery)
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
// that well isn't asked, and is watched to the end.
func (w *catchingUp) askProgress(ctx context.Context) {
	if !feature.DefaultFeatureSupportChecker.Supports(storage.RequestWatchProgress) || !w.storage.progress.Allow() {
		return
	}
	if err := w.storage.below.RequestWatchProgress(ctx); err != nil && ctx.Err() == nil {
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
