// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
	apistorage "k8s.io/apiserver/pkg/storage"
)

// TestManyWatchesCatchUp has many clients come again and again with versions from
// before the cache, as after a restart, while there are other changes. Each has to
// see every pod that was made since its version, once and in order.
func TestManyWatchesCatchUp(t *testing.T) {
	for _, kind := range backendKinds() {
		t.Run(kind.name, func(t *testing.T) {
			backend, err := kind.open(t, Config{Codec: codecs.LegacyCodec(examplev1.SchemeGroupVersion), Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := backend.Close(); err != nil {
					t.Error(err)
				}
			})
			awaitProgress(t)
			pods, _ := openPods(t, backend, nil)
			versions := make([]string, 200)
			for i := range versions {
				if versions[i], err = createPod(t, pods, strconv.Itoa(i), 2000); err != nil {
					t.Fatal(err)
				}
			}
			began, err := strconv.ParseUint(versions[len(versions)-1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			opened := backend.opened[0]
			storage := resumed{Interface: opened.delegator, below: opened.below, since: func() uint64 { return began }, catchUps: &opened.catchUps}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var writing, clients sync.WaitGroup
			done := make(chan struct{})
			writing.Go(func() { writeElsewhere(t, backend, done) })
			for range 60 {
				clients.Go(func() {
					for range 8 {
						if err := watchOn(ctx, storage, versions); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			clients.Wait()
			close(done)
			writing.Wait()
		})
	}
}

// writeElsewhere has the storage's version move on until done.
func writeElsewhere(t *testing.T, backend *Backend, done <-chan struct{}) {
	for i := 0; ; i++ {
		if _, err := backend.source.client.Put(t.Context(), "/elsewhere", strconv.Itoa(i)); err != nil {
			t.Error(err)
			return
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-done:
			return
		}
	}
}

// watchOn watches from one of the versions of pods, whose names are their indices.
func watchOn(ctx context.Context, storage apistorage.Interface, versions []string) error {
	first := rand.IntN(len(versions) - 1)
	watched, err := storage.Watch(ctx, "/example.test/pods/", apistorage.ListOptions{
		ResourceVersion: versions[first], Recursive: true, Predicate: apistorage.Everything,
	})
	if err != nil {
		return err
	}
	defer watched.Stop()
	for next := first + 1; next < len(versions); next++ {
		select {
		case event, open := <-watched.ResultChan():
			if !open {
				return errors.New("a watch was ended")
			}
			object, is := event.Object.(metav1.Object)
			if !is || event.Type != watch.Added || object.GetName() != strconv.Itoa(next) {
				return fmt.Errorf("a watch from %d saw %s %v instead of %d", first, event.Type, event.Object, next)
			}
		case <-ctx.Done():
			return fmt.Errorf("a watch from %d was told nothing of %d", first, next)
		}
	}
	return nil
}
