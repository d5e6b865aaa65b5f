// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/watch"
)

// tracked passes on the events of a watch and knows how far it has come. Its
// one goroutine ends with its source, with Stop, with end, or with the request.
type tracked struct {
	origin origin
	source watch.Interface
	result chan watch.Event

	// done is over when the handler of the request has written its last byte,
	// or is gone.
	done       context.Context
	finish     context.CancelFunc
	forwarding sync.WaitGroup

	// ending is closed to end the watch once the event that is being handed
	// over has been taken.
	ending  chan struct{}
	endOnce sync.Once

	mu       sync.Mutex
	position position
	waiting  []waiter
	over     bool
}

// waiter is somebody who wants to know when a write's event was handed over.
type waiter struct {
	write   write
	arrived chan struct{}
}

var _ watch.Interface = (*tracked)(nil)

// newTracked returns a watch that passes on nothing before start. It's released
// by Stop, or when ctx is done.
func newTracked(ctx context.Context, source watch.Interface, from origin) *tracked {
	done, finish := context.WithCancel(ctx)
	return &tracked{
		origin:   from,
		source:   source,
		result:   make(chan watch.Event),
		done:     done,
		finish:   finish,
		ending:   make(chan struct{}),
		position: positionAt(&from),
	}
}

// ResultChan implements watch.Interface. The channel isn't buffered: an event
// that was taken from it is in the hands of whoever took it.
func (w *tracked) ResultChan() <-chan watch.Event { return w.result }

// Stop implements watch.Interface. The handler of a request calls it when its
// answer is complete. It waits for the goroutine.
func (w *tracked) Stop() {
	w.finish()
	w.source.Stop()
	w.forwarding.Wait()
}

func (w *tracked) start() { w.forwarding.Go(w.forward) }

func (w *tracked) end() { w.endOnce.Do(func() { close(w.ending) }) }

func (w *tracked) forward() {
	defer w.settle()
	defer close(w.result)
	for {
		select {
		case <-w.ending:
			return
		case <-w.done.Done():
			return
		case event, ok := <-w.source.ResultChan():
			if !ok || !w.hand(event) {
				return
			}
		}
	}
}

// hand reports whether the event was taken.
func (w *tracked) hand(event watch.Event) bool {
	select {
	case w.result <- event:
		w.advance(event)
		return true
	case <-w.done.Done():
		return false
	}
}

func (w *tracked) advance(event watch.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.position.advance(event)
	remaining := w.waiting[:0]
	for _, waiter := range w.waiting {
		if w.position.passed(&waiter.write) {
			close(waiter.arrived)
		} else {
			remaining = append(remaining, waiter)
		}
	}
	w.waiting = remaining
}

// settle releases whoever still waits: no further event will come.
func (w *tracked) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	for _, waiter := range w.waiting {
		close(waiter.arrived)
	}
	w.waiting = nil
}

// arrival returns a channel that is closed when the event of a write, or a
// later one, has been handed over, or when the watch has ended. Unless there is
// a write to wait for, the channel is closed already.
func (w *tracked) arrival(awaited write, some bool) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	arrived := make(chan struct{})
	if !some || w.over || w.position.passed(&awaited) {
		close(arrived)
		return arrived
	}
	w.waiting = append(w.waiting, waiter{write: awaited, arrived: arrived})
	return arrived
}
