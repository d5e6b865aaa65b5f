// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/watch"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
	apistorage "k8s.io/apiserver/pkg/storage"
)

// openResumed opens a backend whose cache seems to start from the last of some
// pods, which are named by their indices.
func openResumed(t *testing.T, backend *Backend, count int) (storage apistorage.Interface, versions []string) {
	t.Helper()
	pods, _ := openPods(t, backend, nil)
	for i := range count {
		version, err := createPod(t, pods, strconv.Itoa(i), 0)
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, version)
	}
	since, err := strconv.ParseUint(versions[count-1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	opened := backend.opened[0]
	return resumed{opened.delegator, opened.below, func() uint64 { return since }, opened.closing, &opened.running}, versions
}

func watchFrom(t *testing.T, storage apistorage.Interface, version string) watch.Interface {
	t.Helper()
	watched, err := storage.Watch(t.Context(), "/example.test/pods/", apistorage.ListOptions{
		ResourceVersion: version, Recursive: true, Predicate: apistorage.Everything,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(watched.Stop)
	return watched
}

func checkEnds(t *testing.T, watched watch.Interface) {
	t.Helper()
	select {
	case event, open := <-watched.ResultChan():
		if open {
			t.Errorf("the watch sent %v", event)
		}
	case <-time.After(30 * time.Second):
		t.Error("the watch does not end")
	}
}

// TestResumedWatch watches from before the cache starts, and again from the last event, as a client does.
func TestResumedWatch(t *testing.T) {
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
			const count = 20
			storage, versions := openResumed(t, backend, count)
			for first := range count - 1 {
				watched := watchFrom(t, storage, versions[first])
				for next := first + 1; next < count; next++ {
					checkAdded(t, watched, strconv.Itoa(next))
				}
				checkEnds(t, watched)
			}
			watched := watchFrom(t, storage, versions[count-1])
			for i := range 3 {
				name := fmt.Sprint("after", i)
				if _, err := createPod(t, storage, name, 0); err != nil {
					t.Fatal(err)
				}
				checkAdded(t, watched, name)
			}
		})
	}
}

// TestResumedWatchIsStopped stops watches that nothing reads, and closes the backend below others.
func TestResumedWatchIsStopped(t *testing.T) {
	backend := newBackend(t)
	storage, versions := openResumed(t, backend, 3)
	stopped, closed := watchFrom(t, storage, versions[0]), watchFrom(t, storage, versions[0])
	stopped.Stop()
	for range stopped.ResultChan() { // until it is closed
	}
	if err := backend.Close(); err != nil {
		t.Fatal(err)
	}
	for range closed.ResultChan() {
	}
}
