// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"context"
	"fmt"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/kubernetes"
)

// object is about as large as a Session.
var object = strings.Repeat("x", 6<<10)

func fill(b *testing.B, client *kubernetes.Client, objects int) {
	b.Helper()
	for i := range objects {
		put(b, client, key(i), object)
	}
}

func key(i int) string { return fmt.Sprintf("/registry/tilt.dev/sessions/%05d", i) }

func BenchmarkGet(b *testing.B) {
	_, client := newStore(b, Options{})
	fill(b, client, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Kubernetes.Get(b.Context(), key(500), kubernetes.GetOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGetOld(b *testing.B) {
	_, client := newStore(b, Options{})
	fill(b, client, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Kubernetes.Get(b.Context(), key(500), kubernetes.GetOptions{Revision: 600}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	_, client := newStore(b, Options{})
	fill(b, client, 1000)
	b.ReportAllocs()
	benchmarkPut(b, client)
}

func benchmarkPut(b *testing.B, client *kubernetes.Client) {
	b.Helper()
	value := []byte(object)
	read, err := client.Kubernetes.Get(b.Context(), key(0), kubernetes.GetOptions{})
	if err != nil {
		b.Fatal(err)
	}
	rev := modRevision(read.KV)
	for b.Loop() {
		response, err := client.Kubernetes.OptimisticPut(b.Context(), key(0), value, rev, kubernetes.PutOptions{GetOnFailure: true})
		if err != nil || !response.Succeeded {
			b.Fatal(response, err)
		}
		rev = response.Revision
	}
}

func BenchmarkPutParallel(b *testing.B) {
	_, client := newStore(b, Options{})
	b.ReportAllocs()
	b.RunParallel(func(loop *testing.PB) {
		for loop.Next() {
			if _, err := client.Put(context.Background(), key(0), object); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkList(b *testing.B) {
	for _, objects := range []int{100, 1000} {
		b.Run(fmt.Sprintf("objects=%d", objects), func(b *testing.B) {
			_, client := newStore(b, Options{})
			fill(b, client, objects)
			b.ReportAllocs()
			for b.Loop() {
				response, err := client.Kubernetes.List(b.Context(), "/registry/", kubernetes.ListOptions{})
				if err != nil || response.Count != int64(objects) {
					b.Fatal(response.Count, err)
				}
			}
		})
	}
}

// BenchmarkPutWithWatchers measures a write until one of the watches has seen
// it. Of the others all wait for other keys, or all are sent it too.
func BenchmarkPutWithWatchers(b *testing.B) {
	for _, kind := range []struct{ name, key string }{{"concerned", "/registry/"}, {"unconcerned", "/other/"}} {
		for _, watchers := range []int{1, 1000} {
			b.Run(fmt.Sprintf("kind=%s/watchers=%d", kind.name, watchers), func(b *testing.B) {
				store, client := newStore(b, Options{})
				fill(b, client, 1)
				first := client.Watch(b.Context(), "/registry/", clientv3.WithPrefix())
				for range watchers - 1 {
					go drain(client.Watch(b.Context(), kind.key, clientv3.WithPrefix()))
				}
				b.ReportAllocs()
				for b.Loop() {
					put(b, client, key(0), object)
					next(b, first)
				}
				b.StopTimer()
				store.Close()
			})
		}
	}
}

func drain(watch clientv3.WatchChan) {
	for range watch {
	}
}
