// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/watch"
)

// source is a watch below the tracker.
type source struct {
	events  chan watch.Event
	stopped chan struct{}
}

func newSource() *source {
	return &source{events: make(chan watch.Event, 100), stopped: make(chan struct{})}
}

func (s *source) ResultChan() <-chan watch.Event { return s.events }
func (s *source) Stop() {
	select {
	case <-s.stopped:
	default:
		close(s.stopped)
	}
}

// open returns a watch from version 1 on, and its source.
func open(t *testing.T, tracker *Tracker) (watch.Interface, *source) {
	t.Helper()
	below := newSource()
	options := &metainternalversion.ListOptions{ResourceVersion: "1"}
	w, err := tracker.Watch(t.Context(), options, predicate, func(context.Context, *metainternalversion.ListOptions) (watch.Interface, error) {
		return below, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return w, below
}

func (t *Tracker) noteVersion(version uint64) {
	t.note(write{version: version, name: "a", before: &attributes{}, after: &attributes{}})
}

func TestDeliveredWaitsUntilTheEventIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker(nil)
		w, below := open(t, tracker)
		defer w.Stop()
		if err := tracker.Delivered(t.Context()); err != nil {
			t.Errorf("nothing was written: %v", err)
		}
		tracker.noteVersion(2)
		tracker.noteVersion(3)
		delivered := make(chan error, 1)
		go func() { delivered <- tracker.Delivered(t.Context()) }()
		below.events <- event(watch.Modified, "a", 2)
		below.events <- event(watch.Modified, "a", 3)
		for range 2 {
			synctest.Wait()
			if len(delivered) != 0 {
				t.Fatal("it returned before the last event was taken")
			}
			<-w.ResultChan()
		}
		if err := <-delivered; err != nil {
			t.Error(err)
		}
	})
}

func TestDeliveredGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker(nil)
		slow, _ := open(t, tracker)
		defer slow.Stop()
		quick, below := open(t, tracker)
		defer quick.Stop()
		tracker.noteVersion(2)
		below.events <- event(watch.Modified, "a", 2)
		<-quick.ResultChan()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := tracker.Delivered(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || err.Error() != "1 of 2 watches have not been handed every event: context deadline exceeded" {
			t.Errorf("error = %v", err)
		}
	})
}

func TestDeliveredDoesNotWaitForTheGone(t *testing.T) {
	for name, end := range map[string]func(watch.Interface, *source){
		"stopped":          func(w watch.Interface, _ *source) { w.Stop() },
		"ended from below": func(_ watch.Interface, below *source) { close(below.events) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tracker := NewTracker(nil)
				w, below := open(t, tracker)
				defer w.Stop()
				tracker.noteVersion(2)
				delivered := make(chan error, 1)
				go func() { delivered <- tracker.Delivered(t.Context()) }()
				synctest.Wait()
				end(w, below)
				if err := <-delivered; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestEndHandsOverWhatIsPending checks that each reader receives all events before its watch ends.
func TestEndHandsOverWhatIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker(nil)
		const readers, events = 5, 50
		results := make(chan error, readers)
		for range readers {
			w, below := open(t, tracker)
			go func() {
				defer w.Stop()
				n := 0
				for range w.ResultChan() {
					n++
				}
				if n != events {
					results <- fmt.Errorf("%d events, want %d", n, events)
					return
				}
				results <- nil
			}()
			go func() {
				for i := range events {
					time.Sleep(time.Millisecond) // of the bubble's clock
					below.events <- event(watch.Modified, "a", i+2)
				}
			}()
		}
		for i := range events {
			tracker.noteVersion(uint64(i + 2))
		}
		if err := tracker.End(t.Context()); err != nil {
			t.Error(err)
		}
		for range readers {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		_, err := tracker.Watch(t.Context(), &metainternalversion.ListOptions{}, predicate, nil)
		if !apierrors.IsServiceUnavailable(err) {
			t.Errorf("a watch was opened after the end: %v", err)
		}
	})
}

func TestEndGivesUpOnWhoDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker(nil)
		w, below := open(t, tracker)
		defer w.Stop()
		tracker.noteVersion(2)
		below.events <- event(watch.Modified, "a", 2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := tracker.End(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v", err)
		}
		// The watch ends after the event that waits for its reader.
		if e, ok := <-w.ResultChan(); !ok || e.Type != watch.Modified {
			t.Errorf("event = %v, %v", e, ok)
		}
		if e, ok := <-w.ResultChan(); ok {
			t.Errorf("event after the end: %v", e)
		}
	})
}

func TestWatchEndsWithItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker(nil)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := tracker.Watch(ctx, &metainternalversion.ListOptions{}, predicate, func(context.Context, *metainternalversion.ListOptions) (watch.Interface, error) {
			return newSource(), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		// The handler doesn't call Stop if the response can't be begun.
		cancel()
		synctest.Wait()
		if len(tracker.open) != 0 {
			t.Error("it's still counted")
		}
	})
}

func BenchmarkForward(b *testing.B) {
	below := newSource()
	w := newTracked(b.Context(), below, origin{since: 1})
	w.start()
	defer w.Stop()
	e := event(watch.Modified, "a", 2)
	for b.Loop() {
		below.events <- e
		<-w.ResultChan()
	}
}
