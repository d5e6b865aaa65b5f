// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"strconv"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/watch"
)

// tracked forwards the events of a watch and tracks its position. Its one goroutine ends
// with its source, with Stop, with end, or with the request.
type tracked struct {
	origin origin
	source watch.Interface
	result chan watch.Event

	// done is over when the handler of the request has returned.
	done       context.Context
	finish     context.CancelFunc
	forwarding sync.WaitGroup

	// ending is closed to end the watch once the handler has taken the current event.
	ending  chan struct{}
	endOnce sync.Once

	mu       sync.Mutex
	position position
	// changed is closed when position or over changes, nil if no call waits for that.
	changed chan struct{}
	over    bool
}

var _ watch.Interface = (*tracked)(nil)

// newTracked returns a watch that forwards nothing before start. It is released by Stop, or when ctx is done.
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

// ResultChan implements watch.Interface. The channel isn't buffered, so that an event
// taken from it has reached the handler.
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
	defer w.update(func() { w.over = true })
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
		w.update(func() { w.position.advance(event) })
		return true
	case <-w.done.Done():
		return false
	}
}

// update changes the state and wakes the calls that wait for a change.
func (w *tracked) update(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}

// await blocks until the event of a write, or a later one, has been handed over, or the
// watch has ended. It returns false when ctx is done first.
func (w *tracked) await(ctx context.Context, awaited *write) bool {
	for {
		arrived, changed := w.arrived(awaited)
		if arrived {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			arrived, _ := w.arrived(awaited)
			return arrived
		}
	}
}

// arrived reports whether there is nothing to wait for, or returns a channel that is closed when that may have changed.
func (w *tracked) arrived(awaited *write) (bool, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over || w.position.passed(awaited) {
		return true, nil
	}
	if w.changed == nil {
		w.changed = make(chan struct{})
	}
	return false, w.changed
}

// position is the last event of a watch.
//
// Events come in the order of their versions, except for the state that a watch may begin with: its objects are
// ADDED in any order. That part ends with a bookmark or with the first event of another type.
type position struct {
	// reached is the version up to which all events were handed.
	reached uint64
	// state holds the versions of the objects of the first part, by name. It is nil once that part has ended.
	state map[string]uint64
}

func positionAt(origin *origin) position {
	if origin.state {
		return position{state: map[string]uint64{}}
	}
	return position{reached: origin.since}
}

// advance records an event that was handed over. One without a version, such as an error, changes nothing.
func (p *position) advance(event watch.Event) {
	object, err := meta.Accessor(event.Object)
	if err != nil {
		return
	}
	version, err := strconv.ParseUint(object.GetResourceVersion(), 10, 64)
	if err != nil {
		return
	}
	if p.state != nil && event.Type == watch.Added {
		p.state[object.GetName()] = version
		return
	}
	p.state = nil
	p.reached = max(p.reached, version)
}

// passed reports whether the event of a write, or a later one of the same object, was handed over.
func (p *position) passed(w *write) bool {
	if p.state != nil {
		return p.state[w.name] >= w.version
	}
	return p.reached >= w.version
}
