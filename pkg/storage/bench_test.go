// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/client/v3/kubernetes"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	apistorage "k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/names"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// stored is about as large as a Session of 20 targets.
var stored = []byte(strings.Repeat("x", 6<<10))

func benchmarkKey(i int) string { return fmt.Sprintf("/registry/tilt.dev/sessions/%05d", i) }

// eachKind runs a benchmark on an open backend of each kind.
func eachKind(b *testing.B, run func(*testing.B, *kubernetes.Client)) {
	for _, kind := range backendKinds() {
		b.Run("backend="+kind.name, func(b *testing.B) {
			backend, err := kind.open(b, fileConfig(b.TempDir()))
			if err != nil {
				b.Fatal(err)
			}
			defer backend.Close()
			run(b, backend.source.client)
		})
	}
}

func fillStore(b *testing.B, client *kubernetes.Client, objects int) {
	b.Helper()
	var next atomic.Int64
	var running sync.WaitGroup
	for range 16 {
		running.Go(func() {
			for i := next.Add(1) - 1; i < int64(objects); i = next.Add(1) - 1 {
				if _, err := client.Put(b.Context(), benchmarkKey(int(i)), string(stored)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
}

// BenchmarkPut replaces objects, each writer its own. The file's writers share commits.
func BenchmarkPut(b *testing.B) {
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprint("writers=", writers), func(b *testing.B) {
			eachKind(b, func(b *testing.B, client *kubernetes.Client) {
				fillStore(b, client, 100)
				b.ResetTimer()
				var left atomic.Int64
				left.Store(int64(b.N))
				var running sync.WaitGroup
				for writer := range writers {
					running.Go(func() {
						for left.Add(-1) >= 0 {
							if _, err := client.Put(context.Background(), benchmarkKey(writer), string(stored)); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				running.Wait()
			})
		})
	}
}

func BenchmarkGet(b *testing.B) {
	eachKind(b, func(b *testing.B, client *kubernetes.Client) {
		fillStore(b, client, 1000)
		for b.Loop() {
			if _, err := client.Kubernetes.Get(b.Context(), benchmarkKey(500), kubernetes.GetOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkList(b *testing.B) {
	eachKind(b, func(b *testing.B, client *kubernetes.Client) {
		fillStore(b, client, 1000)
		for b.Loop() {
			list, err := client.Kubernetes.List(b.Context(), "/registry/tilt.dev/sessions/", kubernetes.ListOptions{Limit: 500})
			if err != nil || len(list.Kvs) != 500 {
				b.Fatal(len(list.Kvs), err)
			}
		}
	})
}

// BenchmarkFsync is what one commit takes at least: it writes two pages, and waits for each until it's on disk.
func BenchmarkFsync(b *testing.B) {
	file, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	page := make([]byte, 4096)
	for b.Loop() {
		for i := range int64(2) {
			if _, err := file.WriteAt(page, i*4096); err != nil {
				b.Fatal(err)
			}
			if err := file.Sync(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkRestart opens a file of 10,000 Sessions of 20 targets, and then the cache that registries read. It reports
// the time and the memory.
func BenchmarkRestart(b *testing.B) {
	const sessions = 10_000
	config := Config{Dir: b.TempDir(), Codec: sessionCodec()}
	fillSessions(b, config, sessions)
	var opening, caching time.Duration
	var bytes uint64
	for b.Loop() {
		before := heap()
		began := time.Now()
		backend, err := NewFile(config)
		if err != nil {
			b.Fatal(err)
		}
		opening += time.Since(began)
		began = time.Now()
		openSessions(b, backend)
		caching += time.Since(began)
		bytes = heap() - before
		if err := backend.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(opening.Milliseconds())/float64(b.N), "ms-opening/op")
	b.ReportMetric(float64(caching.Milliseconds())/float64(b.N), "ms-caching/op")
	b.ReportMetric(float64(bytes)/(1<<20), "MB-held")
	info, err := os.Stat(filepath.Join(config.Dir, "storage.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/(1<<20), "MB-file")
}

func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func sessionCodec() apiruntime.Codec {
	scheme := apiruntime.NewScheme()
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddInternalToScheme(scheme))
	return serializer.NewCodecFactory(scheme).LegacyCodec(v1alpha1.SchemeGroupVersion)
}

// openSessions opens Sessions as a registry does, and waits for the cache.
func openSessions(b *testing.B, backend *Backend) apistorage.Interface {
	b.Helper()
	options, err := backend.RESTOptionsGetter().GetRESTOptions(v1alpha1.Resource("sessions"), nil)
	if err != nil {
		b.Fatal(err)
	}
	key := func(object apiruntime.Object) (string, error) {
		return apistorage.NoNamespaceKeyFunc(options.ResourcePrefix+"/", object)
	}
	sessions, _, err := options.Decorator(options.StorageConfig, options.ResourcePrefix, key,
		func() apiruntime.Object { return &v1alpha1.Session{} }, func() apiruntime.Object { return &v1alpha1.SessionList{} },
		apistorage.DefaultClusterScopedAttr, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	eventually(b, "the cache is ready", func() bool { return sessions.ReadinessCheck() == nil })
	return sessions
}

func fillSessions(b *testing.B, config Config, count int) {
	b.Helper()
	backend, err := NewFile(config)
	if err != nil {
		b.Fatal(err)
	}
	sessions := openSessions(b, backend)
	var next atomic.Int64
	var running sync.WaitGroup
	for range 16 {
		running.Go(func() {
			for i := next.Add(1) - 1; i < int64(count); i = next.Add(1) - 1 {
				session := largeSession(fmt.Sprintf("session-%05d", i))
				if err := sessions.Create(b.Context(), "/tilt.dev/sessions/"+session.Name, session, &v1alpha1.Session{}, 0); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	if err := backend.Close(); err != nil {
		b.Fatal(err)
	}
}

func largeSession(name string) *v1alpha1.Session {
	now := metav1.NewMicroTime(time.Now())
	session := &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, UID: types.UID(names.SimpleNameGenerator.GenerateName(name)), CreationTimestamp: metav1.Now(),
			Labels: map[string]string{"team": "storage", "branch": "main"},
		},
		Spec:   v1alpha1.SessionSpec{TiltfilePath: "/home/someone/project/" + name + "/Tiltfile"},
		Status: v1alpha1.SessionStatus{StartTime: now},
	}
	for i := range 20 {
		session.Status.Targets = append(session.Status.Targets, v1alpha1.Target{
			Name: fmt.Sprintf("resource-%02d:update", i), Type: v1alpha1.TargetTypeJob, Resources: []string{fmt.Sprintf("resource-%02d", i)},
			State: v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{StartTime: now, FinishTime: now}},
		})
	}
	return session
}
