// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
)

// Tracker knows the last writes and the open watches of one resource. It's safe
// for concurrent use.
type Tracker struct {
	attributes storage.AttrFunc

	mu     sync.Mutex
	ended  bool
	writes writes
	open   map[*tracked]struct{}
}

// NewTracker returns a Tracker of a resource whose selectors see what
// attributes returns.
func NewTracker(attributes storage.AttrFunc) *Tracker {
	return &Tracker{attributes: attributes, open: map[*tracked]struct{}{}}
}

// PredicateFunc makes selectors into what decides about an object.
type PredicateFunc func(labels.Selector, fields.Selector) storage.SelectionPredicate

// WatchFunc begins a watch.
type WatchFunc func(context.Context, *metainternalversion.ListOptions) (watch.Interface, error)

// Watch begins a watch that is tracked until its Stop is called or ctx is done.
// Events pass unchanged and unbuffered.
func (t *Tracker) Watch(ctx context.Context, options *metainternalversion.ListOptions,
	predicate PredicateFunc, begin WatchFunc) (watch.Interface, error) {
	newest, err := t.admit()
	if err != nil {
		return nil, err
	}
	source, err := begin(ctx, options)
	if err != nil {
		return nil, err
	}
	w := newTracked(ctx, source, originOf(options, predicate, newest))
	if err := t.add(w); err != nil {
		source.Stop()
		return nil, err
	}
	context.AfterFunc(w.done, func() { t.remove(w) })
	w.start()
	return w, nil
}

// Delivered blocks until every watch that is open has been handed each event of
// the writes noted so far, or has ended. It returns an error when ctx is done
// first.
func (t *Tracker) Delivered(ctx context.Context) error {
	pending, behind := t.pending(), 0
	for _, arrived := range pending {
		if !happens(ctx, arrived) {
			behind++
		}
	}
	if behind > 0 {
		return fmt.Errorf("%d of %d watches have not been handed every event: %w", behind, len(pending), context.Cause(ctx))
	}
	return nil
}

// End refuses further watches, and ends those that are open as soon as each has
// been handed every event of the writes noted so far. It returns when all of
// them are finished by their handlers. When ctx is done first it ends them as
// they are, and returns an error.
func (t *Tracker) End(ctx context.Context) error {
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()

	pending := t.pending()
	var ending sync.WaitGroup
	for w, arrived := range pending {
		ending.Go(func() {
			happens(ctx, arrived)
			w.end()
		})
	}
	ending.Wait()

	unfinished := 0
	for w := range pending {
		if !happens(ctx, w.done.Done()) {
			unfinished++
		}
	}
	if unfinished > 0 {
		return fmt.Errorf("%d of %d watches were not read to their end: %w", unfinished, len(pending), context.Cause(ctx))
	}
	return nil
}

// happens waits for an event and reports whether it came before ctx was done.
func happens(ctx context.Context, event <-chan struct{}) bool {
	select {
	case <-event:
		return true
	case <-ctx.Done():
	}
	select {
	case <-event:
		return true
	default:
		return false
	}
}

// pending returns for each open watch a channel that is closed when it has been
// handed all that it must be, or has ended.
func (t *Tracker) pending() map[*tracked]<-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	pending := make(map[*tracked]<-chan struct{}, len(t.open))
	for w := range t.open {
		pending[w] = w.arrival(t.writes.lastFor(&w.origin))
	}
	return pending
}

func (t *Tracker) note(w write) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writes = t.writes.add(w)
}

// admit returns the newest version noted, or refuses a watch.
func (t *Tracker) admit() (uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return 0, apierrors.NewServiceUnavailable("the server is shutting down")
	}
	return t.writes.newest(), nil
}

func (t *Tracker) add(w *tracked) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return apierrors.NewServiceUnavailable("the server is shutting down")
	}
	t.open[w] = struct{}{}
	return nil
}

func (t *Tracker) remove(w *tracked) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, w)
}
