// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/watch"
	apistorage "k8s.io/apiserver/pkg/storage"
)

// TestWatchCatchesUp watches from before the cache began, and expects that what's
// below the cache isn't watched for longer than that takes.
func TestWatchCatchesUp(t *testing.T) {
	backend := newBackend(t)
	awaitProgress(t)
	pods, _ := openPods(t, backend, nil)
	first, err := createPod(t, pods, "first", 0)
	if err != nil {
		t.Fatal(err)
	}
	var last string
	for i := range 20 {
		if last, err = createPod(t, pods, fmt.Sprint("before", i), 0); err != nil {
			t.Fatal(err)
		}
	}
	began, err := strconv.ParseUint(last, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	below := &countedWatches{Interface: backend.opened[0].below}
	storage := resumed{Interface: backend.opened[0].delegator, below: below, since: func() uint64 { return began }, catchUps: &backend.opened[0].catchUps}
	var watches []watch.Interface
	for range 10 {
		watched, err := storage.Watch(t.Context(), "/example.test/pods/", apistorage.ListOptions{
			ResourceVersion: first, Recursive: true, Predicate: apistorage.Everything,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer watched.Stop()
		watches = append(watches, watched)
	}
	if open := below.open.Load(); open != 10 {
		t.Fatalf("%d watches have begun below the cache", open)
	}
	for i := range 20 {
		for _, watched := range watches {
			checkAdded(t, watched, fmt.Sprint("before", i))
		}
	}
	// There's nothing left to hand over but progress, which isn't for clients.
	eventually(t, "all watch the cache", func() bool { return below.open.Load() == 0 })
	for i := range 20 {
		name := fmt.Sprint("after", i)
		if _, err := createPod(t, pods, name, 0); err != nil {
			t.Fatal(err)
		}
		for _, watched := range watches {
			checkAdded(t, watched, name)
		}
	}
	for _, watched := range watches {
		watched.Stop()
		for range watched.ResultChan() { // until it's closed
		}
	}
}

// countedWatches is a storage that knows how many watches it has.
type countedWatches struct {
	apistorage.Interface
	open atomic.Int64
}

func (c *countedWatches) Watch(ctx context.Context, key string, options apistorage.ListOptions) (watch.Interface, error) {
	opened, err := c.Interface.Watch(ctx, key, options)
	if err != nil {
		return nil, err
	}
	c.open.Add(1)
	return &countedWatch{Interface: opened, counted: c}, nil
}

type countedWatch struct {
	watch.Interface
	counted *countedWatches
	stopped atomic.Bool
}

func (w *countedWatch) Stop() {
	w.Interface.Stop()
	if !w.stopped.Swap(true) {
		w.counted.open.Add(-1)
	}
}
