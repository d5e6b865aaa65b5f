// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/metadata"
	"k8s.io/apimachinery/pkg/util/uuid"
)

// A client of etcd has all watches with the same outgoing metadata in one stream,
// and tells each of them the answer to a request for progress. That's how far the
// watches were that etcd knew when it was asked: to one that was opened since it says
// nothing, and there's no answer while one of the others has history to send. So
// whoever relies on progress needs a stream of its own, and asks when etcd knows
// the watch.

// streamName is the metadata that tells streams apart.
const streamName = "tilt-session-watch"

// aloneInStream returns a context whose watch shares its stream with no other.
func aloneInStream(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, streamName, string(uuid.NewUUID()))
}

// openingKey is the context's key of what's closed when its watch has been opened.
type openingKey struct{}

// announceOpening returns a context for a watch, and what's closed once that is
// open, or never will be.
func announceOpening(ctx context.Context) (context.Context, <-chan struct{}) {
	opened := make(chan struct{})
	return context.WithValue(ctx, openingKey{}, sync.OnceFunc(func() { close(opened) })), opened
}

// announcingWatcher does what announceOpening says.
type announcingWatcher struct{ clientv3.Watcher }

// Watch implements clientv3.Watcher.
func (a announcingWatcher) Watch(ctx context.Context, key string, options ...clientv3.OpOption) clientv3.WatchChan {
	if announce, wanted := ctx.Value(openingKey{}).(func()); wanted {
		defer announce() // it returns when it has been told of the watch
	}
	return a.Watcher.Watch(ctx, key, options...)
}
