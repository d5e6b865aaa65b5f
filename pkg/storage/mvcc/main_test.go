// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"context"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/kubernetes"
	"go.uber.org/goleak"
	testclock "k8s.io/utils/clock/testing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests; nothing is expected to take it.
const patience = 30 * time.Second

func newStore(t testing.TB, options Options) (*Store, *kubernetes.Client) {
	t.Helper()
	store, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store, store.Client(context.Background())
}

func put(t testing.TB, client *kubernetes.Client, key, value string, opts ...clientv3.OpOption) int64 {
	t.Helper()
	response, err := client.KV.Put(t.Context(), key, value, opts...)
	if err != nil {
		t.Fatalf("putting %s: %v", key, err)
	}
	return response.Header.Revision
}

// next returns a watch's next response, which must come.
func next(t testing.TB, watch clientv3.WatchChan) clientv3.WatchResponse {
	t.Helper()
	select {
	case response, open := <-watch:
		if !open {
			t.Fatal("the watch was closed")
		}
		return response
	case <-time.After(patience):
		t.Fatal("the watch sent nothing")
		panic("unreachable")
	}
}

// ended checks that a watch is closed after what it still sends.
func ended(t testing.TB, watch clientv3.WatchChan) {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case _, open := <-watch:
			if !open {
				return
			}
		case <-timeout:
			t.Fatal("the watch wasn't closed")
		}
	}
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func exists(t testing.TB, client *kubernetes.Client, key string) bool {
	t.Helper()
	response, err := client.KV.Get(t.Context(), key, clientv3.WithCountOnly())
	if err != nil {
		t.Fatal(err)
	}
	return response.Count > 0
}

// step advances the clock once the housekeeper waits for it.
func step(t testing.TB, clock *testclock.FakeClock, d time.Duration) {
	t.Helper()
	eventually(t, "the housekeeper waits", clock.HasWaiters)
	clock.Step(d)
}
