// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/client/v3/kubernetes"
	"k8s.io/apimachinery/pkg/api/apitesting"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/apis/example"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
	"k8s.io/apiserver/pkg/features"
	apistorage "k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/cacher"
	"k8s.io/apiserver/pkg/storage/etcd3"
	suite "k8s.io/apiserver/pkg/storage/testing"
	"k8s.io/apiserver/pkg/storage/value"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
)

const (
	podsPrefix  = "/pods/"
	valuePrefix = "test!" // what the transformer puts before each value
)

// environment is a storage of pods on a store, as the suite's functions need it.
type environment struct {
	apistorage.Interface
	setting     string
	prefix      string // of all keys
	client      *kubernetes.Client
	reads       *suite.KVRecorder
	lists       *suite.KubernetesRecorder
	codec       runtime.Codec
	transformer *exchangeable
	// estimatesSizes is true if the storage estimates the sizes of its objects.
	estimatesSizes bool
	// restartCache makes the cache, if there is one, list anew.
	restartCache func()
}

var (
	_ suite.InterfaceWithPrefixTransformer  = (*environment)(nil)
	_ suite.InterfaceWithCorruptTransformer = (*environment)(nil)
)

// backendKind is a way to open a backend.
type backendKind struct {
	name string
	open func(testing.TB, Config) (*Backend, error)
}

// backendKinds are those inside this process, and etcd where there is one.
func backendKinds() []backendKind {
	kinds := []backendKind{
		{"memory", func(_ testing.TB, config Config) (*Backend, error) { return NewMemory(config) }},
		{"file", func(_ testing.TB, config Config) (*Backend, error) { return NewFile(config) }},
	}
	if os.Getenv(etcdProgram) != "" {
		kinds = append(kinds, backendKind{"etcd", openEtcd})
	}
	return kinds
}

// environmentOption changes how the cache is set up.
type environmentOption func(*cacher.Config)

func clusterScoped(config *cacher.Config) {
	config.KeyFunc = func(object runtime.Object) (string, error) {
		return apistorage.NoNamespaceKeyFunc(podsPrefix, object)
	}
}

func byNodeAndNamespace(config *cacher.Config) {
	config.IndexerFuncs = map[string]apistorage.IndexerFunc{
		"spec.nodeName": func(object runtime.Object) string { return object.(*example.Pod).Spec.NodeName },
	}
	config.Indexers = &cache.Indexers{
		"f:spec.nodeName":      func(object any) ([]string, error) { return []string{object.(*example.Pod).Spec.NodeName}, nil },
		"f:metadata.namespace": func(object any) ([]string, error) { return []string{object.(*example.Pod).Namespace}, nil },
	}
}

func newEnvironment(t testing.TB, kind backendKind, setting string, options ...environmentOption) *environment {
	t.Helper()
	store, err := kind.open(t, Config{Codec: codecs.LegacyCodec(examplev1.SchemeGroupVersion), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	e := &environment{
		setting:      setting,
		prefix:       map[string]string{raw: "", cached: DefaultPrefix}[setting], // as the suite expects
		codec:        apitesting.TestCodec(codecs, examplev1.SchemeGroupVersion),
		transformer:  newExchangeable(suite.NewPrefixTransformer([]byte(valuePrefix), false)),
		restartCache: func() {},
	}
	own := *store.source.client.Client // what a compactor reads isn't recorded
	e.client = &kubernetes.Client{Client: &own}
	e.reads = suite.NewKVRecorder(e.client.KV)
	e.client.KV = e.reads
	e.lists = suite.NewKubernetesRecorder(translated{e.client, etcdReadError, etcdWriteError})
	e.client.Kubernetes = e.lists

	versioner := apistorage.APIObjectVersioner{}
	below, err := etcd3.New(e.client, store.source.compactor, e.codec, newPod, newPodList, e.prefix, podsPrefix, schema.GroupResource{Resource: "pods"},
		etcd3.WithCorruptObjErrorHandlingTransformer(e.transformer), etcd3.NewDefaultLeaseManagerConfig(),
		etcd3.WithCorruptObjErrorHandlingDecoder(etcd3.NewDefaultDecoder(e.codec, versioner)), versioner)
	if err != nil {
		t.Fatal(err)
	}
	if setting == cached {
		e.addCache(t, below, options...)
	} else {
		t.Cleanup(below.Close)
		e.Interface = below
	}
	return e
}

// addCache puts a cache on top, and waits until it is ready.
func (e *environment) addCache(t testing.TB, below closer, options ...environmentOption) {
	t.Helper()
	config := cacher.Config{
		Versioner:           below.Versioner(),
		GroupResource:       schema.GroupResource{Resource: "pods"},
		EventsHistoryWindow: cacher.DefaultEventFreshDuration,
		ResourcePrefix:      podsPrefix,
		KeyFunc:             func(object runtime.Object) (string, error) { return apistorage.NamespaceKeyFunc(podsPrefix, object) },
		GetAttrsFunc:        podAttributes,
		NewFunc:             newPod,
		NewListFunc:         newPodList,
		Codec:               e.codec,
		Clock:               hurried{},
	}
	for _, option := range options {
		option(&config)
	}
	behind := &lagging{closer: below}
	opened, err := newResource(behind, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.close)
	awaitProgress(t)
	if err := opened.cacher.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.Interface = opened.delegator
	e.estimatesSizes = utilfeature.DefaultFeatureGate.Enabled(features.SizeBasedListCostEstimate)
	e.restartCache = behind.overtakeWatch
}

func (e *environment) cached() bool { return e.setting == cached }

// checkStored checks that what is stored has no version of its own.
func (e *environment) checkStored(ctx context.Context, t *testing.T, key string) {
	response, err := e.client.KV.Get(ctx, e.prefix+key)
	if err != nil || len(response.Kvs) != 1 {
		t.Fatalf("reading %s: %v, %v", key, response, err)
	}
	encoded, ok := bytes.CutPrefix(response.Kvs[0].Value, []byte(valuePrefix))
	if !ok {
		t.Fatalf("%s wasn't transformed: %q", key, response.Kvs[0].Value)
	}
	object, err := runtime.Decode(e.codec, encoded)
	if err != nil {
		t.Fatal(err)
	}
	if pod := object.(*example.Pod); pod.ResourceVersion != "" {
		t.Errorf("%s is stored with a version: %+v", key, pod.ObjectMeta)
	}
}

// checkCalls checks that a list read each object once, in pages that grow. The number of reads of a cache is not fixed.
func (e *environment) checkCalls(t *testing.T, pageSize, objects uint64) {
	if e.cached() {
		return
	}
	if got := e.transformer.get().(*suite.PrefixTransformer).GetReadsAndReset(); got != objects {
		t.Errorf("read %d objects, want %d", got, objects)
	}
	want := uint64(1)
	if pageSize > 0 {
		for read, page := uint64(1), pageSize; read < objects; want++ {
			page = min(page*2, 10_000)
			read += page
		}
	}
	if got := e.reads.GetReadsAndReset(); got != want {
		t.Errorf("sent %d reads, want %d", got, want)
	}
}

func (e *environment) increaseRevision(ctx context.Context, t *testing.T) int64 {
	response, err := e.client.KV.Put(ctx, "increaseRV", "ok")
	if err != nil {
		t.Fatal(err)
	}
	return response.Header.Revision
}

// compact compacts as the compactor of an API server does, and waits until the storage reports it.
func (e *environment) compact(ctx context.Context, t *testing.T, resourceVersion string) {
	rev, err := strconv.ParseInt(resourceVersion, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	// The first try only learns the version of the record, if there is one.
	version, _, compacted, err := etcd3.Compact(ctx, e.client.Client, 0, rev)
	if err == nil && compacted != rev {
		_, _, _, err = etcd3.Compact(ctx, e.client.Client, version, rev)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !utilfeature.DefaultFeatureGate.Enabled(features.ListFromCacheSnapshot) {
		return // no caller reads it
	}
	eventually(t, "the storage reports the compaction", func() bool { return e.CompactRevision() == rev })
}

// compactWatches also makes a cache drop the compacted events.
func (e *environment) compactWatches(ctx context.Context, t *testing.T, resourceVersion string) {
	e.compact(ctx, t, resourceVersion)
	e.restartCache()
	eventually(t, "watches from before end", func() bool {
		return e.Interface.ReadinessCheck() == nil && e.refusesWatch(ctx, t, "1")
	})
}

func (e *environment) refusesWatch(ctx context.Context, t *testing.T, resourceVersion string) bool {
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	watched, err := e.Watch(ctx, podsPrefix, apistorage.ListOptions{ResourceVersion: resourceVersion, Predicate: apistorage.Everything, Recursive: true})
	if err != nil {
		return false // not ready yet
	}
	defer watched.Stop()
	event := <-watched.ResultChan()
	return event.Type == watch.Error && event.Object.(*metav1.Status).Reason == metav1.StatusReasonExpired
}

// requestProgressPeriodically requests progress as an etcd sends it by itself.
func (e *environment) requestProgressPeriodically(ctx context.Context, t *testing.T) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if err := e.RequestWatchProgress(ctx); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
}

func (e *environment) fill(ctx context.Context, b *testing.B, pods []*example.Pod) {
	for _, pod := range pods {
		if err := e.Create(ctx, podsPrefix+pod.Namespace+"/"+pod.Name, pod, &example.Pod{}, 0); err != nil {
			b.Fatal(err)
		}
	}
}

// UpdatePrefixTransformer exchanges the transformer until the returned function is called.
func (e *environment) UpdatePrefixTransformer(modify suite.PrefixTransformerModifier) func() {
	before := e.transformer.get()
	e.transformer.set(modify(suite.NewPrefixTransformer([]byte(valuePrefix), false)))
	return func() { e.transformer.set(before) }
}

// CorruptTransformer makes all values unreadable until the returned function is called.
func (e *environment) CorruptTransformer() func() {
	before := e.transformer.get()
	e.transformer.set(corrupted{before})
	return func() { e.transformer.set(before) }
}

// corrupted fails to read values.
type corrupted struct{ value.Transformer }

func (corrupted) TransformFromStorage(context.Context, []byte, value.Context) ([]byte, bool, error) {
	return nil, true, errors.New("bits flipped")
}

// exchangeable is a transformer that can become another one.
type exchangeable struct {
	current atomic.Pointer[value.Transformer]
}

func newExchangeable(first value.Transformer) *exchangeable {
	e := &exchangeable{}
	e.set(first)
	return e
}

func (e *exchangeable) get() value.Transformer  { return *e.current.Load() }
func (e *exchangeable) set(t value.Transformer) { e.current.Store(&t) }

func (e *exchangeable) TransformFromStorage(ctx context.Context, data []byte, of value.Context) ([]byte, bool, error) {
	return e.get().TransformFromStorage(ctx, data, of)
}

func (e *exchangeable) TransformToStorage(ctx context.Context, data []byte, of value.Context) ([]byte, error) {
	return e.get().TransformToStorage(ctx, data, of)
}

// paced returns a storage that makes creations and updates one at a time, each after a watch of the cache has received
// the event of the one before. A cache ends watches that a burst leaves a few events behind. An update has to change
// the object.
func (e *environment) paced(ctx context.Context, t *testing.T) apistorage.Interface {
	if !e.cached() {
		return e
	}
	watched, err := e.Watch(ctx, podsPrefix, apistorage.ListOptions{ResourceVersion: "0", Predicate: apistorage.Everything, Recursive: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(watched.Stop)
	return &paced{environment: e, watch: watched}
}

type paced struct {
	*environment
	mu    sync.Mutex
	watch watch.Interface
}

func (p *paced) Create(ctx context.Context, key string, object, out runtime.Object, ttl uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.environment.Create(ctx, key, object, out, ttl); err != nil {
		return err
	}
	return p.await(watch.Added)
}

func (p *paced) GuaranteedUpdate(ctx context.Context, key string, out runtime.Object, orNew bool,
	preconditions *apistorage.Preconditions, update apistorage.UpdateFunc, cached runtime.Object) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.environment.GuaranteedUpdate(ctx, key, out, orNew, preconditions, update, cached); err != nil {
		return err
	}
	return p.await(watch.Added, watch.Modified)
}

// await returns when the watch has received an event of one of the types.
func (p *paced) await(types ...watch.EventType) error {
	select {
	case event := <-p.watch.ResultChan():
		if !slices.Contains(types, event.Type) {
			return fmt.Errorf("a change made a %q event, not one of %q", event.Type, types)
		}
		return nil
	case <-time.After(30 * time.Second):
		return errors.New("a change made no event")
	}
}

// withoutTTL is a storage that ignores the time to live of updates.
type withoutTTL struct{ *environment }

func (w withoutTTL) GuaranteedUpdate(ctx context.Context, key string, out runtime.Object, orNew bool,
	preconditions *apistorage.Preconditions, update apistorage.UpdateFunc, cached runtime.Object) error {
	return w.environment.GuaranteedUpdate(ctx, key, out, orNew, preconditions,
		func(in runtime.Object, meta apistorage.ResponseMeta) (runtime.Object, *uint64, error) {
			updated, _, err := update(in, meta)
			return updated, nil, err
		}, cached)
}

// lagging is a storage that can end the watch of a cache as a compaction does. The cache then lists again.
type lagging struct {
	closer
	mu       sync.Mutex
	watch    watch.Interface
	overtake bool
}

func (l *lagging) Watch(ctx context.Context, key string, options apistorage.ListOptions) (watch.Interface, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.overtake && options.SendInitialEvents == nil {
		l.overtake = false
		expired := watch.NewFakeWithChanSize(1, false)
		expired.Error(&apierrors.NewResourceExpired("compacted").ErrStatus)
		return expired, nil
	}
	opened, err := l.closer.Watch(ctx, key, options)
	l.watch = opened
	return opened, err
}

func (l *lagging) overtakeWatch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.overtake = true
	l.watch.Stop()
}

// hurried is the real clock, but for the time after which a cache looks for a compaction.
type hurried struct{ clock.RealClock }

const compactionPoll = 15 * time.Second

func (hurried) NewTimer(d time.Duration) clock.Timer {
	timer := hurriedTimer{clock.RealClock{}.NewTimer(hurry(d))}
	return timer
}

type hurriedTimer struct{ clock.Timer }

func (t hurriedTimer) Reset(d time.Duration) bool { return t.Timer.Reset(hurry(d)) }

func hurry(d time.Duration) time.Duration {
	if d == compactionPoll {
		return 10 * time.Millisecond
	}
	return d
}
