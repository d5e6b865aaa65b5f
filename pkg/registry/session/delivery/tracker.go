// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package delivery tracks the events that the handlers of open watches of a cluster-scoped resource have taken.
//
// A Tracker wraps two parts of a registry. Around the storage it records each write: its version, and the
// attributes of the object before and after it that selectors match. Around Watch it forwards each event and
// records the position of the watch. So for every watch it can decide whether the event of a write is
// pending. The watch cache doesn't report this.
//
// A watch has been handed an event once the handler of the request has taken it. The handler encodes, writes and
// flushes an event before it takes another one.
//
// A Tracker knows only the writes that went through it. Of several replicas over one
// storage each tracks the writes that it has answered itself.
package delivery

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
)

// Tracker has the last writes and the open watches of one resource. It is safe for concurrent use.
type Tracker struct {
	attributes storage.AttrFunc

	mu     sync.Mutex
	ended  bool
	writes writes
	open   map[*tracked]struct{}
}

// NewTracker returns a Tracker of a resource whose selectors match what attributes returns.
func NewTracker(attributes storage.AttrFunc) *Tracker {
	return &Tracker{attributes: attributes, open: map[*tracked]struct{}{}}
}

// PredicateFunc makes a predicate of selectors.
type PredicateFunc func(labels.Selector, fields.Selector) storage.SelectionPredicate

// WatchFunc begins a watch.
type WatchFunc func(context.Context, *metainternalversion.ListOptions) (watch.Interface, error)

// Watch begins a watch that is tracked until its Stop is called or ctx is done. Events pass unchanged and unbuffered.
func (t *Tracker) Watch(ctx context.Context, options *metainternalversion.ListOptions,
	predicate PredicateFunc, begin WatchFunc) (watch.Interface, error) {
	newest, err := t.admit(nil)
	if err != nil {
		return nil, err
	}
	source, err := begin(ctx, options)
	if err != nil {
		return nil, err
	}
	w := newTracked(ctx, source, originOf(options, predicate, newest))
	if _, err := t.admit(w); err != nil {
		source.Stop()
		return nil, err
	}
	context.AfterFunc(w.done, func() { t.remove(w) })
	w.start()
	return w, nil
}

// Watched reports whether a watch is open.
func (t *Tracker) Watched() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open) > 0
}

// Delivered blocks until every open watch has been handed each event of the writes
// recorded so far, or has ended. It returns an error when ctx is done first.
func (t *Tracker) Delivered(ctx context.Context) error {
	pending := t.pending()
	behind := 0
	for w, last := range pending {
		if last != nil && !w.await(ctx, last) {
			behind++
		}
	}
	if behind > 0 {
		return fmt.Errorf("%d of %d watches have not been handed every event: %w", behind, len(pending), context.Cause(ctx))
	}
	return nil
}

// End refuses further watches, and ends each open one once it has been handed every
// event of the writes recorded so far. It returns when their handlers have finished.
// When ctx is done first it ends them as they are, and returns an error.
func (t *Tracker) End(ctx context.Context) error {
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()

	pending := t.pending()
	var unfinished atomic.Int64
	var ending sync.WaitGroup
	for w, last := range pending {
		ending.Go(func() {
			if last != nil {
				w.await(ctx, last)
			}
			w.end()
			select {
			case <-w.done.Done():
			case <-ctx.Done():
				if w.done.Err() == nil {
					unfinished.Add(1)
				}
			}
		})
	}
	ending.Wait()
	if n := unfinished.Load(); n > 0 {
		return fmt.Errorf("%d of %d watches were not read to their end: %w", n, len(pending), context.Cause(ctx))
	}
	return nil
}

// pending returns for each open watch the last recorded write that it must be handed an event of, nil if there is none.
func (t *Tracker) pending() map[*tracked]*write {
	t.mu.Lock()
	defer t.mu.Unlock()
	pending := make(map[*tracked]*write, len(t.open))
	for w := range t.open {
		pending[w] = t.writes.lastFor(&w.origin)
	}
	return pending
}

func (t *Tracker) note(w write) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writes = t.writes.add(w)
}

// admit returns the newest recorded version, and adds w to the open watches unless it is
// nil. It fails once watches are refused.
func (t *Tracker) admit(w *tracked) (uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return 0, apierrors.NewServiceUnavailable("the server is shutting down")
	}
	if w != nil {
		t.open[w] = struct{}{}
	}
	return t.writes.newest(), nil
}

func (t *Tracker) remove(w *tracked) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, w)
}
