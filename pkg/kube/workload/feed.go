// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/kube/cluster"
)

// feedKey is what a feed watches: the objects of a resource in a namespace, or in all of the cluster.
type feedKey struct {
	resource  schema.GroupVersionResource
	namespace string
}

var (
	podResource   = corev1.SchemeGroupVersion.WithResource("pods")
	eventResource = corev1.SchemeGroupVersion.WithResource("events")
)

// feeds are the watches that the runtimes of a Runner share.
type feeds struct {
	connection *cluster.Connection
	ctx        context.Context

	mu   sync.Mutex
	open map[feedKey]*feed
	wait sync.WaitGroup
}

// feed is a watch of objects, kept by a reflector, which lists again whenever it has to. It ends with its last
// subscriber.
type feed struct {
	cache.Store
	key  feedKey
	stop context.CancelFunc

	mu          sync.Mutex
	subscribers map[chan<- struct{}]int
	synced      bool
	// version is the resource version of the last change.
	version string
	// err is why the last call failed, nil after one that succeeded.
	err error
}

// subscribe returns the feed of a key. Each change of it is signaled to changed, which has a buffer of one.
func (f *feeds) subscribe(key feedKey, changed chan<- struct{}) *feed {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.open[key]
	if d == nil {
		ctx, stop := context.WithCancel(f.ctx)
		d = &feed{Store: cache.NewStore(cache.MetaNamespaceKeyFunc), key: key, stop: stop,
			subscribers: map[chan<- struct{}]int{}}
		f.open[key] = d
		f.wait.Go(func() { d.run(ctx, f.connection) })
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.subscribers[changed]++
	return d
}

// release ends a subscription.
func (f *feeds) release(d *feed, changed chan<- struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.subscribers[changed]--; d.subscribers[changed] <= 0 {
		delete(d.subscribers, changed)
	}
	if len(d.subscribers) == 0 {
		delete(f.open, d.key)
		d.stop()
	}
}

// retry is how a feed repeats calls that fail. The limit is low, so that little is missed once the cluster is back.
var retry = wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 8, Cap: 5 * time.Second}

func (d *feed) run(ctx context.Context, c *cluster.Connection) {
	// The reflector would log each failure; the runtimes tell them once.
	ctx = klog.NewContext(ctx, logr.Discard())
	source, example := d.source(c)
	again := retry
	cache.NewReflectorWithOptions(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list, err := source.list(ctx, options)
			d.called(err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			w, err := source.watch(ctx, options)
			d.called(err)
			return w, err
		},
	}, example, d, cache.ReflectorOptions{Name: d.key.resource.Resource, Backoff: &again}).RunWithContext(ctx)
}

type listWatch struct {
	list  func(context.Context, metav1.ListOptions) (runtime.Object, error)
	watch func(context.Context, metav1.ListOptions) (watch.Interface, error)
}

func (d *feed) source(c *cluster.Connection) (listWatch, runtime.Object) {
	switch d.key.resource {
	case podResource:
		pods := c.Core.Pods(d.key.namespace)
		return listWatch{
			func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return pods.List(ctx, o) },
			pods.Watch,
		}, &corev1.Pod{}
	case eventResource:
		events := c.Core.Events(d.key.namespace)
		warnings := fields.OneTermEqualSelector("type", corev1.EventTypeWarning).String()
		return listWatch{
			func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
				o.FieldSelector = warnings
				return events.List(ctx, o)
			},
			func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
				o.FieldSelector = warnings
				return events.Watch(ctx, o)
			},
		}, &corev1.Event{}
	}
	objects := c.Dynamic.Resource(d.key.resource).Namespace(d.key.namespace)
	return listWatch{
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return objects.List(ctx, o) },
		objects.Watch,
	}, &unstructured.Unstructured{}
}

// called notes the result of a call to the API server.
func (d *feed) called(err error) {
	if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) || apierrors.IsInvalid(err) {
		return // The reflector lists again, or in another way.
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if changed := (err == nil) != (d.err == nil); changed {
		defer d.signal()
	}
	d.err = err
}

// state says whether the feed has all objects, and why its last call failed.
func (d *feed) state() (synced bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.synced, d.err
}

func (d *feed) hasSynced() bool {
	synced, _ := d.state()
	return synced
}

// denied says whether an error means that objects can't be watched, now or later.
func denied(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err)
}

// describe says what the feed watches.
func (d *feed) describe() string {
	if d.key.namespace == "" {
		return d.key.resource.Resource
	}
	return fmt.Sprintf("%s of namespace %s", d.key.resource.Resource, d.key.namespace)
}

// signal wakes the subscribers. The caller holds mu.
func (d *feed) signal() {
	for changed := range d.subscribers {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}

func (d *feed) changed(synced bool, version string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.synced, d.version = d.synced || synced, version
	d.signal()
}

// precedes reports whether a version is newer than the last change of the feed.
func (d *feed) precedes(version string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	order, err := resourceversion.CompareResourceVersion(d.version, version)
	return err == nil && order < 0
}

// versionOf is the resource version of an object.
func versionOf(o any) string {
	if m, ok := o.(metav1.Object); ok {
		return m.GetResourceVersion()
	}
	return ""
}

// Add implements cache.ReflectorStore, as the following do.
func (d *feed) Add(o any) error {
	err := d.Store.Add(slim(o))
	d.changed(false, versionOf(o))
	return err
}

func (d *feed) Update(o any) error {
	err := d.Store.Update(slim(o))
	d.changed(false, versionOf(o))
	return err
}

func (d *feed) Delete(o any) error {
	err := d.Store.Delete(o)
	d.changed(false, versionOf(o))
	return err
}

func (d *feed) Replace(list []any, version string) error {
	for _, o := range list {
		slim(o)
	}
	err := d.Store.Replace(list, version)
	d.changed(true, version)
	return err
}

// slim drops what is large and not needed.
func slim(o any) any {
	if m, ok := o.(metav1.Object); ok {
		m.SetManagedFields(nil)
	}
	return o
}
