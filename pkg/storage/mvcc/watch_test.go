// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/metadata"

	"tilt.dev/session/pkg/testing/mvcctest"
)

func TestWatchFromNow(t *testing.T) {
	_, client := newStore(t, Options{})
	put(t, client, "a", "before")
	watch := client.Watch(t.Context(), "a")
	put(t, client, "a", "after")
	if diff := cmp.Diff([]string{mvcctest.EventText(3, "PUT", "a", "after", "before")}, mvcctest.EventTexts(next(t, watch).Events)); diff != "" {
		t.Error(diff)
	}
}

func TestWatchFromFutureRevision(t *testing.T) {
	_, client := newStore(t, Options{})
	watch := client.Watch(t.Context(), "a", clientv3.WithRev(4))
	for _, value := range []string{"2", "3", "4"} {
		put(t, client, "a", value)
	}
	if diff := cmp.Diff([]string{mvcctest.EventText(4, "PUT", "a", "4", "3")}, mvcctest.EventTexts(next(t, watch).Events)); diff != "" {
		t.Error(diff)
	}
}

func TestWatchKeepsTransactionsWhole(t *testing.T) {
	_, client := newStore(t, Options{})
	watch := client.Watch(t.Context(), "", clientv3.WithPrefix())
	if _, err := client.Txn(t.Context()).Then(clientv3.OpPut("a", "1"), clientv3.OpPut("b", "1")).Commit(); err != nil {
		t.Fatal(err)
	}
	response := next(t, watch)
	if len(response.Events) != 2 || response.Events[0].Kv.ModRevision != 2 || response.Events[1].Kv.ModRevision != 2 {
		t.Errorf("a transaction came as %v", response.Events)
	}
}

func TestWatchResponsesAreBounded(t *testing.T) {
	tests := map[string]struct {
		value      []byte
		puts, most int
	}{
		"by count": {[]byte("x"), 3 * maxResponseEvents, maxResponseEvents},
		"by size":  {bytes.Repeat([]byte("x"), maxResponseBytes/3), 12, 3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, client := newStore(t, Options{})
			for range test.puts {
				put(t, client, "a", string(test.value))
			}
			watch := client.Watch(t.Context(), "a", clientv3.WithRev(2))
			for seen := 0; seen < test.puts; {
				response := next(t, watch)
				if len(response.Events) > test.most {
					t.Fatalf("a response has %d events, want at most %d", len(response.Events), test.most)
				}
				for _, event := range response.Events {
					if want := int64(seen + 2); event.Kv.ModRevision != want {
						t.Fatalf("got revision %d, want %d", event.Kv.ModRevision, want)
					}
					seen++
				}
			}
		})
	}
}

func TestSlowWatchDelaysNobodyAndEnds(t *testing.T) {
	const kept = 100
	_, client := newStore(t, Options{HistoryRevisions: kept})
	slow := client.Watch(t.Context(), "a")
	fast := client.Watch(t.Context(), "a")
	for i := range 10 * kept { // many more than any buffer on the way
		rev := put(t, client, "a", fmt.Sprint(i))
		if got := next(t, fast).Events[0].Kv.ModRevision; got != rev {
			t.Fatalf("the fast watch got revision %d, want %d", got, rev)
		}
	}
	last := int64(1)
	for {
		response := next(t, slow)
		if err := response.Err(); err != nil {
			if !errors.Is(err, rpctypes.ErrCompacted) {
				t.Errorf("the slow watch ended with %v", err)
			}
			break
		}
		for _, event := range response.Events {
			if last++; event.Kv.ModRevision != last {
				t.Fatalf("the slow watch has a gap before %d", event.Kv.ModRevision)
			}
		}
	}
	ended(t, slow)
}

func TestIdleWatchOutlivesItsHistory(t *testing.T) {
	_, client := newStore(t, Options{HistoryRevisions: 10})
	watch := client.Watch(t.Context(), "quiet")
	for range 100 {
		put(t, client, "busy", "")
	}
	put(t, client, "quiet", "now")
	if got := mvcctest.EventTexts(next(t, watch).Events); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestWatchProgress(t *testing.T) {
	_, client := newStore(t, Options{})
	watch := client.Watch(t.Context(), "a")
	rev := put(t, client, "unrelated", "")
	if err := client.RequestProgress(t.Context()); err != nil {
		t.Fatal(err)
	}
	response := next(t, watch)
	if !response.IsProgressNotify() || response.Header.Revision != rev {
		t.Errorf("got %+v, want progress at %d", response, rev)
	}
}

func TestWatchProgressComesAfterEvents(t *testing.T) {
	_, client := newStore(t, Options{})
	watch := client.Watch(t.Context(), "a")
	last := int64(0)
	for range 3 * maxResponseEvents {
		last = put(t, client, "a", "")
	}
	if err := client.RequestProgress(t.Context()); err != nil {
		t.Fatal(err)
	}
	for seen := int64(0); ; {
		response := next(t, watch)
		if response.IsProgressNotify() {
			if seen != last || response.Header.Revision != last {
				t.Errorf("progress at %d after events up to %d, want %d", response.Header.Revision, seen, last)
			}
			return
		}
		seen = response.Events[len(response.Events)-1].Kv.ModRevision
	}
}

func TestWatchProgressOfFutureRevision(t *testing.T) {
	_, client := newStore(t, Options{})
	watch := client.Watch(t.Context(), "a", clientv3.WithRev(4))
	if err := client.RequestProgress(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, client, "b", "2")
	put(t, client, "b", "3")
	if err := client.RequestProgress(t.Context()); err != nil {
		t.Fatal(err)
	}
	if response := next(t, watch); !response.IsProgressNotify() || response.Header.Revision != 3 {
		t.Errorf("got %+v, want progress at 3 and none before", response)
	}
}

func TestWatchProgressIsPerStream(t *testing.T) {
	_, client := newStore(t, Options{})
	stream := metadata.NewOutgoingContext(t.Context(), metadata.Pairs("source", "cache"))
	mine := client.Watch(stream, "a")
	other := client.Watch(t.Context(), "a")
	if err := client.RequestProgress(stream); err != nil {
		t.Fatal(err)
	}
	if response := next(t, mine); !response.IsProgressNotify() {
		t.Errorf("got %+v, want progress", response)
	}
	put(t, client, "a", "")
	if response := next(t, other); response.IsProgressNotify() {
		t.Error("progress went to another stream")
	}
}

func TestWatchEnds(t *testing.T) {
	tests := map[string]func(cancel context.CancelFunc, client *clientv3.Client, store *Store){
		"with its context": func(cancel context.CancelFunc, _ *clientv3.Client, _ *Store) { cancel() },
		"with its watcher": func(_ context.CancelFunc, client *clientv3.Client, _ *Store) { _ = client.Watcher.Close() },
		"with its client":  func(_ context.CancelFunc, client *clientv3.Client, _ *Store) { _ = client.Close() },
		"with the store":   func(_ context.CancelFunc, _ *clientv3.Client, store *Store) { store.Close() },
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			store, client := newStore(t, Options{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			idle := client.Watch(ctx, "a")
			unread := client.Watch(ctx, "b")
			put(t, client, "b", "")
			end(cancel, client.Client, store)
			ended(t, idle)
			ended(t, unread)
			eventually(t, "no watch is open", func() bool { return store.watches.count() == 0 })
		})
	}
}

func (w *watches) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.open)
}
