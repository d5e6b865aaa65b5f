// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/apis/example"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
	apistorage "k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/feature"

	"tilt.dev/session/pkg/storage/mvcc"
)

func newBackend(t *testing.T) *Backend {
	t.Helper()
	backend, err := NewMemory(Config{Codec: codecs.LegacyCodec(examplev1.SchemeGroupVersion)})
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

// openPods opens pods as a registry does, and waits for the cache.
func openPods(t *testing.T, backend *Backend, triggers apistorage.IndexerFuncs) (apistorage.Interface, func()) {
	t.Helper()
	pods, destroy, err := openPodsSoon(backend, triggers)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the cache is ready", func() bool { return pods.ReadinessCheck() == nil })
	return pods, destroy
}

// openPodsSoon opens pods as a registry does.
func openPodsSoon(backend *Backend, triggers apistorage.IndexerFuncs) (apistorage.Interface, func(), error) {
	options, err := backend.RESTOptionsGetter().GetRESTOptions(schema.GroupResource{Group: "example.test", Resource: "pods"}, nil)
	if err != nil {
		return nil, nil, err
	}
	key := func(object runtime.Object) (string, error) {
		return apistorage.NamespaceKeyFunc(options.ResourcePrefix+"/", object)
	}
	return options.Decorator(options.StorageConfig, options.ResourcePrefix, key, newPod, newPodList, podAttributes, triggers, nil)
}

// eventually polls until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func podAttributes(object runtime.Object) (labels.Set, fields.Set, error) {
	pod, ok := object.(*example.Pod)
	if !ok {
		return nil, nil, fmt.Errorf("%T is not a pod", object)
	}
	return pod.Labels, fields.Set{
		"metadata.name": pod.Name, "metadata.namespace": pod.Namespace,
		"spec.nodeName": pod.Spec.NodeName, "spec.restartPolicy": string(pod.Spec.RestartPolicy), "status.phase": string(pod.Status.Phase),
	}, nil
}

func TestBackendStoresAndWatches(t *testing.T) {
	backend := newBackend(t)
	pods, _ := openPods(t, backend, nil)

	watch, err := pods.Watch(t.Context(), "/example.test/pods/", apistorage.ListOptions{Recursive: true, Predicate: apistorage.Everything})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	pod := &example.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "one"}}
	created := &example.Pod{}
	if err := pods.Create(t.Context(), "/example.test/pods/default/one", pod, created, 0); err != nil {
		t.Fatal(err)
	}
	select {
	case event := <-watch.ResultChan():
		if event.Type != "ADDED" {
			t.Errorf("the watch got %v, want ADDED", event)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the watch got nothing")
	}
	list := &example.PodList{}
	if err := pods.GetList(t.Context(), "/example.test/pods/", apistorage.ListOptions{Recursive: true, Predicate: apistorage.Everything}, list); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 1 || list.ResourceVersion != created.ResourceVersion {
		t.Errorf("listed %d pods at %s, want 1 at %s", len(list.Items), list.ResourceVersion, created.ResourceVersion)
	}
}

func TestBackendAnnouncesProgress(t *testing.T) {
	newBackend(t)
	awaitProgress(t)
}

// awaitProgress waits until caches may ask for progress.
func awaitProgress(t testing.TB) {
	t.Helper()
	announceProgress(context.Background()) // the first check is for the whole process
	eventually(t, "caches may ask for progress", func() bool {
		return feature.DefaultFeatureSupportChecker.Supports(apistorage.RequestWatchProgress)
	})
}

func TestBackendRequiresCodec(t *testing.T) {
	if _, err := NewMemory(Config{}); err == nil {
		t.Error("a backend without a codec was opened")
	}
}

func TestBackendHealth(t *testing.T) {
	backend := newBackend(t)
	if err := health(t.Context(), backend); err != nil {
		t.Errorf("an open backend says: %v", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := health(canceled, backend); !errors.Is(err, context.Canceled) {
		t.Errorf("with a canceled context: %v", err)
	}
	if err := backend.Close(); err != nil {
		t.Fatal(err)
	}
	if err := health(t.Context(), backend); !errors.Is(err, mvcc.ErrClosed) {
		t.Errorf("a closed backend says: %v", err)
	}
}

// health is what the checks of a backend say.
func health(ctx context.Context, backend *Backend) error {
	request := (&http.Request{}).WithContext(ctx)
	var errs []error
	for _, check := range backend.HealthChecks() {
		if err := check.Check(request); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", check.Name(), err))
		}
	}
	return errors.Join(errs...)
}

func TestBackendCloseEndsWatches(t *testing.T) {
	backend := newBackend(t)
	pods, destroy := openPods(t, backend, nil)
	watch, err := pods.Watch(t.Context(), "/example.test/pods/", apistorage.ListOptions{Recursive: true, Predicate: apistorage.Everything})
	if err != nil {
		t.Fatal(err)
	}
	if err := backend.Close(); err != nil {
		t.Fatal(err)
	}
	for range watch.ResultChan() { // until it is closed
	}
	destroy() // as the server does, in whatever order
	if err := backend.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

// TestBackendCloseWithBacklog closes while the cache has more events for its watches than it can buffer.
func TestBackendCloseWithBacklog(t *testing.T) {
	backend := newBackend(t)
	gate := make(chan struct{})
	slow := apistorage.IndexerFuncs{"spec.nodeName": func(runtime.Object) string { <-gate; return "" }}
	pods, _ := openPods(t, backend, slow)
	for i := range 500 {
		name := fmt.Sprint(i)
		pod := &example.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
		if err := pods.Create(t.Context(), "/example.test/pods/default/"+name, pod, newPod(), 0); err != nil {
			t.Fatal(err)
		}
	}
	closed := make(chan error, 1)
	go func() { closed <- backend.Close() }()
	fed := backend.opened[0].feed
	eventually(t, "closing has begun", fed.isClosed)
	close(gate)
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the backend doesn't close")
	}
}

func (f *feed) isClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

func TestBackendOpensNothingOnceClosed(t *testing.T) {
	backend := newBackend(t)
	if err := backend.Close(); err != nil {
		t.Fatal(err)
	}
	options, err := backend.RESTOptionsGetter().GetRESTOptions(schema.GroupResource{Resource: "pods"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := options.Decorator(options.StorageConfig, options.ResourcePrefix, nil, newPod, newPodList, podAttributes, nil, nil); err == nil {
		t.Error("a resource was opened on a closed backend")
	}
}
