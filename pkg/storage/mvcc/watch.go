// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"context"
	"fmt"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/metadata"
)

// A response of a watch ends with the revision that reaches one of these sizes.
const (
	maxResponseEvents = 128
	maxResponseBytes  = 1 << 20
)

// watcher is the watching side of one client.
type watcher struct {
	store *Store
	done  <-chan struct{} // closed with the client
	close context.CancelFunc
}

var _ clientv3.Watcher = (*watcher)(nil)

func newWatcher(ctx context.Context, store *Store) *watcher {
	ctx, cancel := context.WithCancel(ctx)
	return &watcher{store: store, done: ctx.Done(), close: cancel}
}

// Watch sends the changes of a range until ctx is done, the client or the store is closed, or compaction has
// dropped the position of the watch. Then it closes the channel.
func (w *watcher) Watch(ctx context.Context, key string, opts ...clientv3.OpOption) clientv3.WatchChan {
	op := clientv3.OpGet(key, opts...)
	opened := &watch{
		keys:   keyRange{op.KeyBytes(), op.RangeBytes()},
		stream: streamOf(ctx),
		next:   op.Rev(),
		wake:   make(chan struct{}, 1),
		out:    make(chan clientv3.WatchResponse),
	}
	if opened.next <= 0 {
		opened.next = w.store.state.Load().rev + 1
	}
	if !w.store.watches.add(opened) {
		close(opened.out)
		return opened.out
	}
	go w.serve(ctx, opened)
	return opened.out
}

// RequestProgress makes the watches with the same outgoing metadata as ctx send
// their position once they have sent all events.
func (w *watcher) RequestProgress(ctx context.Context) error {
	if _, err := w.store.read(); err != nil {
		return err
	}
	w.store.watches.requestProgress(streamOf(ctx))
	return nil
}

// Close ends the client's watches.
func (w *watcher) Close() error {
	w.close()
	return nil
}

// streamOf identifies the stream that etcd's client would use for a context.
func streamOf(ctx context.Context) string {
	outgoing, _ := metadata.FromOutgoingContext(ctx)
	return fmt.Sprint(outgoing)
}

// serve sends until the watch ends.
func (w *watcher) serve(ctx context.Context, opened *watch) {
	defer w.store.watches.remove(opened)
	defer close(opened.out)
	owed := false // a progress notification
	for {
		next, asked := w.store.watches.position(opened)
		owed = owed || asked
		state := w.store.state.Load()
		response, upTo := opened.look(state, next)
		if response.Canceled || len(response.Events) > 0 {
			if !w.send(ctx, opened.out, response) || response.Canceled {
				return
			}
		}
		w.store.watches.advance(opened, upTo+1)
		if upTo < state.rev {
			continue
		}
		if owed && next <= state.rev+1 { // it does not wait for a future revision
			owed = false
			if !w.send(ctx, opened.out, clientv3.WatchResponse{Header: pb.ResponseHeader{Revision: state.rev}}) {
				return
			}
		}
		select {
		case <-opened.wake:
		case <-ctx.Done():
			return
		case <-w.done:
			return
		case <-w.store.stop:
			return
		}
	}
}

// send sends a response. It returns false if the watch ended first.
func (w *watcher) send(ctx context.Context, out chan<- clientv3.WatchResponse, response clientv3.WatchResponse) bool {
	select {
	case out <- response:
		return true
	case <-ctx.Done():
		return false
	case <-w.done:
		return false
	case <-w.store.stop:
		return false
	}
}

// watch is one open watch.
type watch struct {
	keys   keyRange
	stream string
	wake   chan struct{}
	out    chan clientv3.WatchResponse

	// guarded by watches.mu
	index    int
	next     int64 // the first revision that it has not examined
	progress bool  // progress was requested
}

// signal wakes the watch. It does not block.
func (w *watch) signal() {
	select {
	case w.wake <- struct{}{}:
	default: // a wake-up is pending
	}
}

// look returns the response for a state from a revision on, and the last revision that the response covers.
func (w *watch) look(state *state, next int64) (clientv3.WatchResponse, int64) {
	response := clientv3.WatchResponse{Header: pb.ResponseHeader{Revision: state.rev}}
	if !state.knows(next) {
		response.Canceled, response.CompactRevision = true, state.compacted
		return response, state.rev
	}
	var upTo int64
	response.Events, upTo = state.changes(next, w.keys, maxResponseEvents, maxResponseBytes)
	return response, upTo
}
