// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/apis/example"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
	apistorage "k8s.io/apiserver/pkg/storage"

	"tilt.dev/session/pkg/storage/mvcc"
)

func fileConfig(dir string) Config {
	return Config{Codec: codecs.LegacyCodec(examplev1.SchemeGroupVersion), Dir: dir}
}

// openFile opens a file backend and closes it at the end of the test.
func openFile(t *testing.T, dir string) *Backend {
	t.Helper()
	backend, err := NewFile(fileConfig(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := backend.Close(); err != nil {
			t.Error(err)
		}
	})
	return backend
}

// podKey returns the key of a pod.
func podKey(name string) string { return "/example.test/pods/default/" + name }

// createPod creates a pod of a size, and returns its version.
func createPod(t *testing.T, pods apistorage.Interface, name string, size int) (string, error) {
	pod := &example.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: name, Annotations: map[string]string{"padding": strings.Repeat("x", size)},
	}}
	created := &example.Pod{}
	err := pods.Create(t.Context(), podKey(name), pod, created, 0)
	return created.ResourceVersion, err
}

func TestFileRestarts(t *testing.T) {
	dir := t.TempDir()
	backend := openFile(t, dir)
	pods, _ := openPods(t, backend, nil)
	first, err := createPod(t, pods, "one", 0)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := createPod(t, pods, "two", 0)
	if err != nil {
		t.Fatal(err)
	}
	unseen, err := createPod(t, pods, "unseen", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := backend.Close(); err != nil {
		t.Fatal(err)
	}

	pods, _ = openPods(t, openFile(t, dir), nil)
	one := &example.Pod{}
	if err := pods.Get(t.Context(), podKey("one"), apistorage.GetOptions{}, one); err != nil || one.ResourceVersion != first {
		t.Errorf("the first pod has version %q, %v; want %s", one.ResourceVersion, err, first)
	}
	watched := watchFrom(t, pods, seen)
	checkAdded(t, watched, "unseen")
	checkEnds(t, watched)
	watched = watchFrom(t, pods, unseen)
	next, err := createPod(t, pods, "next", 0)
	if err != nil || next != "5" {
		t.Errorf("the next pod has version %q, %v; want 5", next, err)
	}
	checkAdded(t, watched, "next")
}

// TestFileForgets resumes a watch whose version was compacted before a restart.
func TestFileForgets(t *testing.T) {
	dir := t.TempDir()
	backend := openFile(t, dir)
	pods, _ := openPods(t, backend, nil)
	for i := range 5 {
		if _, err := createPod(t, pods, fmt.Sprint(i), 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := backend.source.client.Compact(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	if err := backend.Close(); err != nil {
		t.Fatal(err)
	}
	pods, _ = openPods(t, openFile(t, dir), nil)
	for version, want := range map[string]string{"2": "", "4": "3"} {
		watched, err := pods.Watch(t.Context(), "/example.test/pods/", apistorage.ListOptions{
			ResourceVersion: version, Recursive: true, Predicate: apistorage.Everything,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer watched.Stop()
		if want != "" {
			checkAdded(t, watched, want)
		} else if event := <-watched.ResultChan(); !apierrors.IsResourceExpired(apierrors.FromObject(event.Object)) {
			t.Errorf("from version %s: %v", version, event)
		}
	}
}

func TestFileRefused(t *testing.T) {
	if _, err := NewFile(fileConfig("")); err == nil {
		t.Error("a backend without a directory was opened")
	}
	if _, err := NewFile(Config{Dir: t.TempDir()}); err == nil {
		t.Error("a backend without a codec was opened")
	}
	dir := t.TempDir()
	openFile(t, dir)
	if _, err := NewFile(fileConfig(dir)); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("a directory in use: %v", err)
	}
}

func TestFileWriteErrors(t *testing.T) {
	onFire := errors.New("disk on fire")
	for name, c := range map[string]struct {
		err  error
		want int32
	}{
		"failed":             {fmt.Errorf("%w: %w", mvcc.ErrUncertain, onFire), http.StatusGatewayTimeout},
		"failed on a full":   {fmt.Errorf("%w: %w", mvcc.ErrUncertain, enospc), http.StatusGatewayTimeout},
		"read-only":          {fmt.Errorf("%w: %w", mvcc.ErrReadOnly, onFire), http.StatusServiceUnavailable},
		"read-only and full": {fmt.Errorf("%w: %w", mvcc.ErrReadOnly, enospc), http.StatusInsufficientStorage},
	} {
		err := fileWriteError(c.err)
		var status apierrors.APIStatus
		if !errors.As(err, &status) || status.Status().Code != c.want || err.Error() != c.err.Error() {
			t.Errorf("%s: %v became %v, want code %d", name, c.err, err, c.want)
		}
	}
	for _, err := range []error{nil, onFire} {
		if got := fileWriteError(err); !errors.Is(got, err) {
			t.Errorf("%v became %v", err, got)
		}
	}
}

// checkFull fills a backend until its disk is full, checks reads and writes, and frees space.
func checkFull(t *testing.T, backend *Backend, pods apistorage.Interface, free func()) {
	t.Helper()
	watched, err := pods.Watch(t.Context(), "/example.test/pods/", apistorage.ListOptions{Recursive: true, Predicate: apistorage.Everything})
	if err != nil {
		t.Fatal(err)
	}
	defer watched.Stop()
	stored := 0
	for ; stored < 10_000; stored++ {
		if _, err = createPod(t, pods, fmt.Sprint(stored), 6<<10); err != nil {
			break
		}
		checkAdded(t, watched, fmt.Sprint(stored))
	}
	// The handlers of requests inspect the error itself, not what it wraps.
	if status, ok := err.(apierrors.APIStatus); !ok || status.Status().Code != http.StatusGatewayTimeout {
		t.Fatalf("after %d pods: %#v", stored, err)
	}
	// The storage tries every second to open the file again. Each change is rejected meanwhile, small or large.
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for began := time.Now(); time.Since(began) < 2500*time.Millisecond; <-ticker.C {
		for _, size := range []int{0, 6 << 10} {
			_, err := createPod(t, pods, "rejected", size)
			if status, ok := err.(apierrors.APIStatus); !ok || status.Status().Code != http.StatusInsufficientStorage ||
				status.Status().Reason != ReasonInsufficientStorage {
				t.Fatalf("a change of %d bytes without space: %#v, want code 507", size, err)
			}
		}
		if err := health(t.Context(), backend); !errorHas(err, "storage.db") {
			t.Fatalf("the health check without space: %v, want an error that names the file", err)
		}
	}
	list := &example.PodList{}
	if err := pods.GetList(t.Context(), "/example.test/pods/", apistorage.ListOptions{Recursive: true, Predicate: apistorage.Everything}, list); err != nil || len(list.Items) != stored {
		t.Errorf("listed %d pods, %v; want %d", len(list.Items), err, stored)
	}
	free()
	eventually(t, "the backend is healthy again", func() bool { return health(t.Context(), backend) == nil })
	if _, err := createPod(t, pods, "last", 6<<10); err != nil {
		t.Errorf("with space again: %v", err)
	}
	checkAdded(t, watched, "last")
}

func checkAdded(t *testing.T, watched watch.Interface, name string) {
	t.Helper()
	select {
	case event := <-watched.ResultChan():
		if object, ok := event.Object.(metav1.Object); !ok || event.Type != watch.Added || object.GetName() != name {
			t.Fatalf("the watch sent %s %v, want %s added", event.Type, event.Object, name)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("the watch did not send %s", name)
	}
}
