// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	testclock "k8s.io/utils/clock/testing"
)

// memoryLog keeps what is committed as a file would.
type memoryLog struct {
	mu      sync.Mutex
	commits int
	rev     int64
	kvs     map[string]*mvccpb.KeyValue
	leases  map[clientv3.LeaseID]Lease
	err     error
	gate    chan struct{} // when set, each commit takes one token
}

func newMemoryLog() *memoryLog {
	return &memoryLog{kvs: map[string]*mvccpb.KeyValue{}, leases: map[clientv3.LeaseID]Lease{}}
}

func (l *memoryLog) Commit(changes Changes) error {
	if l.gate != nil {
		<-l.gate
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	l.commits++
	for _, event := range changes.Events {
		if event.Kv.ModRevision < l.rev {
			return fmt.Errorf("revision %d came after %d", event.Kv.ModRevision, l.rev)
		}
		l.rev = event.Kv.ModRevision
		if event.Type == clientv3.EventTypePut {
			l.kvs[string(event.Kv.Key)] = event.Kv
		} else {
			delete(l.kvs, string(event.Kv.Key))
		}
	}
	l.rev = changes.Revision
	for _, lease := range changes.Granted {
		l.leases[lease.ID] = lease
	}
	for _, id := range changes.Ended {
		delete(l.leases, id)
	}
	return nil
}

func (l *memoryLog) snapshot() *Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &Snapshot{
		Revision:  l.rev,
		KeyValues: slices.Collect(maps.Values(l.kvs)),
		Leases:    slices.Collect(maps.Values(l.leases)),
	}
}

func TestLogRestoresStore(t *testing.T) {
	clock := testclock.NewFakeClock(time.Now())
	log := newMemoryLog()
	store, client := newStore(t, Options{Clock: clock, Log: log})
	lease := grant(t, client.Client, 60)
	put(t, client, "a", "1")
	put(t, client, "a", "2")
	put(t, client, "gone", "")
	if _, err := client.Delete(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	rev := put(t, client, "leased", "", clientv3.WithLease(lease))
	before, err := client.KV.Get(t.Context(), "", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	store.Close()

	restored, client := newStore(t, Options{Clock: clock, Log: log, Restore: log.snapshot()})
	after, err := client.KV.Get(t.Context(), "", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before.Kvs, after.Kvs); diff != "" || after.Header.Revision != rev {
		t.Errorf("restored at %d, want %d: %s", after.Header.Revision, rev, diff)
	}
	if got := restored.CompactRevision(); got != rev {
		t.Errorf("the restored store is compacted at %d, want %d", got, rev)
	}
	response := next(t, client.Watch(t.Context(), "a", clientv3.WithRev(rev)))
	if response.Err() == nil {
		t.Errorf("a watch at the restored revision got %v, want an error", response)
	}
	if grant(t, client.Client, 60) == lease {
		t.Error("the ID of a lease was used again")
	}
	watch := client.Watch(t.Context(), "leased", clientv3.WithRev(rev+1))
	clock.Step(time.Minute)
	if got := eventTexts(next(t, watch).Events); len(got) != 1 || got[0] != eventText(rev+1, "DELETE", "leased", "", "") {
		t.Errorf("at the end of the lease: %v", got)
	}
}

func TestLogCommitsTogether(t *testing.T) {
	const writers = 50
	log := newMemoryLog()
	log.gate = make(chan struct{})
	store, client := newStore(t, Options{Log: log})
	var running sync.WaitGroup
	running.Go(func() { put(t, client, "first", "") })
	eventually(t, "the first write has begun", func() bool {
		if store.commitMu.TryLock() {
			store.commitMu.Unlock()
			return false
		}
		return store.queued() == 0
	})
	for i := range writers {
		running.Go(func() { put(t, client, fmt.Sprint(i), "") })
	}
	eventually(t, "all other writes wait", func() bool { return store.queued() == writers })
	if exists(t, client.Client, "first") {
		t.Error("a write is visible before it is durable")
	}
	close(log.gate)
	running.Wait()
	if log.commits != 2 {
		t.Errorf("%d writes took %d commits, want 2", writers+1, log.commits)
	}
	if log.rev != writers+2 {
		t.Errorf("the log is at revision %d, want %d", log.rev, writers+2)
	}
}

func (s *Store) queued() int {
	s.queueMu.Lock()
	defer s.queueMu.Unlock()
	return len(s.queue)
}

func TestLogFails(t *testing.T) {
	log := newMemoryLog()
	store, client := newStore(t, Options{Log: log})
	put(t, client, "a", "1")
	watch := client.Watch(t.Context(), "", clientv3.WithPrefix())
	log.err = errors.New("disk full")
	for range 2 {
		if _, err := client.Put(t.Context(), "a", "2"); !errors.Is(err, log.err) {
			t.Errorf("writing: %v, want %v", err, log.err)
		}
	}
	if err := store.Err(); !errors.Is(err, log.err) {
		t.Errorf("the store says %v, want %v", err, log.err)
	}
	log.err = nil
	if _, err := client.Put(t.Context(), "b", ""); err == nil {
		t.Error("the store takes changes after its log failed")
	}
	response, err := client.KV.Get(t.Context(), "a")
	if err != nil || string(response.Kvs[0].Value) != "1" || response.Header.Revision != 2 {
		t.Errorf("reading: %v, %v; want what was before", response, err)
	}
	if err := client.RequestProgress(t.Context()); err != nil {
		t.Fatal(err)
	}
	if response := next(t, watch); !response.IsProgressNotify() {
		t.Errorf("a watch saw a change that failed: %v", response.Events)
	}
}

func TestRestoreRefused(t *testing.T) {
	kv := func(key string, rev, lease int64) *mvccpb.KeyValue {
		return &mvccpb.KeyValue{Key: []byte(key), ModRevision: rev, CreateRevision: rev, Version: 1, Lease: lease}
	}
	for name, snapshot := range map[string]Snapshot{
		"no revision":       {},
		"key of the future": {Revision: 2, KeyValues: []*mvccpb.KeyValue{kv("a", 3, 0)}},
		"key twice":         {Revision: 3, KeyValues: []*mvccpb.KeyValue{kv("a", 2, 0), kv("a", 3, 0)}},
		"lease missing":     {Revision: 2, KeyValues: []*mvccpb.KeyValue{kv("a", 2, 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			store, err := New(Options{Restore: &snapshot})
			if err == nil {
				store.Close()
				t.Error("it was restored")
			}
		})
	}
}

func TestCanceledWriteIsNotMade(t *testing.T) {
	_, client := newStore(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Put(ctx, "a", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("writing: %v", err)
	}
	if exists(t, client.Client, "a") {
		t.Error("it was written")
	}
}
