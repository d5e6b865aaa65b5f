// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/client/v3/kubernetes"
	"k8s.io/apiserver/pkg/storage/etcd3"
	testclock "k8s.io/utils/clock/testing"
)

// checkOldest checks which revision is the first that can be read.
func checkOldest(t *testing.T, client *kubernetes.Client, oldest int64) {
	t.Helper()
	if _, err := client.Kubernetes.Get(t.Context(), "a", kubernetes.GetOptions{Revision: oldest}); err != nil {
		t.Errorf("reading at %d: %v", oldest, err)
	}
	if _, err := client.Kubernetes.Get(t.Context(), "a", kubernetes.GetOptions{Revision: oldest - 1}); oldest > 1 && !errors.Is(err, rpctypes.ErrCompacted) {
		t.Errorf("reading at %d: %v, want ErrCompacted", oldest-1, err)
	}
}

func TestHistoryIsBoundedByCount(t *testing.T) {
	store, client := newStore(t, Options{HistoryRevisions: 10})
	for range 50 {
		put(t, client, "a", "")
	}
	checkOldest(t, client, 42) // to 51
	if got := store.CompactRevision(); got != 42 {
		t.Errorf("compacted at %d, want 42", got)
	}
}

func TestHistoryIsBoundedBySize(t *testing.T) {
	_, client := newStore(t, Options{HistoryBytes: 1000})
	for range 50 {
		put(t, client, "a", strings.Repeat("x", 99))
	}
	checkOldest(t, client, 42)
	put(t, client, "a", strings.Repeat("x", 10_000)) // by itself too much, but the latest
	checkOldest(t, client, 52)
}

func TestHistoryIsBoundedByAge(t *testing.T) {
	clock := testclock.NewFakeClock(time.Now())
	store, client := newStore(t, Options{Clock: clock, HistoryAge: time.Minute})
	put(t, client, "a", "2")
	step(t, clock, 30*time.Second)
	put(t, client, "a", "3")
	checkOldest(t, client, 1)

	// What was seen a minute ago can still be seen, and nothing before that.
	step(t, clock, 40*time.Second)
	eventually(t, "the first revision is forgotten", func() bool { return store.CompactRevision() == 2 })
	checkOldest(t, client, 2)
	step(t, clock, time.Hour)
	eventually(t, "all but the last revision is forgotten", func() bool { return store.CompactRevision() == 3 })
	checkOldest(t, client, 3)
}

func TestCompactionByAPIServer(t *testing.T) {
	store, client := newStore(t, Options{})
	if got := store.CompactRevision(); got != 0 {
		t.Errorf("a new store is compacted at %d", got)
	}
	for range 3 {
		put(t, client, "a", "")
	}
	// The transaction that records a compaction is a revision, the compaction itself isn't.
	version, rev, _, err := etcd3.Compact(t.Context(), client.Client, 0, 3)
	if err != nil || version != 1 || rev != 5 {
		t.Fatalf("compacting: version %d, revision %d, %v; want 1, 5", version, rev, err)
	}
	if got := put(t, client, "a", ""); got != 6 {
		t.Errorf("the next revision is %d, want 6", got)
	}
	checkOldest(t, client, 3)
	if got := store.CompactRevision(); got != 3 {
		t.Errorf("compacted at %d, want 3", got)
	}
	// Another API server finds the record.
	if _, _, found, err := etcd3.Compact(t.Context(), client.Client, 0, 5); err != nil || found != 3 {
		t.Errorf("the second compactor found %d, %v; want 3", found, err)
	}
}

func TestCompactionRefused(t *testing.T) {
	_, client := newStore(t, Options{})
	put(t, client, "a", "")
	if _, err := client.Compact(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	for rev, want := range map[int64]error{1: rpctypes.ErrCompacted, 2: rpctypes.ErrCompacted, 3: rpctypes.ErrFutureRev} {
		if _, err := client.Compact(t.Context(), rev); !errors.Is(err, want) {
			t.Errorf("compacting at %d: %v, want %v", rev, err, want)
		}
	}
}
