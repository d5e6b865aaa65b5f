// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	testclock "k8s.io/utils/clock/testing"

	"tilt.dev/session/pkg/testing/mvcctest"
)

// memoryLog keeps what is committed as a file would.
type memoryLog struct {
	mu             sync.Mutex
	commits        int
	rev, compacted int64
	made           []Revision                 // from revision 2 on
	versions       map[string]*clientv3.Event // that aren't forgotten
	err            error
	keep           bool          // apply what fails
	held           bool          // the last commit failed and was applied
	gate           chan struct{} // when set, each commit takes one token
}

func newMemoryLog() *memoryLog {
	return &memoryLog{rev: 1, versions: map[string]*clientv3.Event{}}
}

func (l *memoryLog) Commit(changes Changes) error {
	if l.gate != nil {
		<-l.gate
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = l.err != nil && l.keep
	if l.err != nil && !l.keep {
		return l.err
	}
	if err := l.apply(changes); err != nil {
		return err
	}
	return l.err
}

func (l *memoryLog) apply(changes Changes) error {
	l.commits++
	l.rev += int64(len(changes.Made))
	if l.rev != changes.Revision {
		return fmt.Errorf("%d revisions were made up to %d, which isn't %d", len(changes.Made), changes.Revision, l.rev)
	}
	for _, made := range changes.Made {
		l.made = append(l.made, made)
		for _, event := range made.Events {
			l.versions[version(event.Kv)] = event
		}
	}
	for _, v := range changes.Forgotten {
		name := fmt.Sprintf("%s@%d", v.Key, v.Revision)
		if l.versions[name] == nil {
			return fmt.Errorf("there is no %s to forget", name)
		}
		delete(l.versions, name)
	}
	l.compacted = changes.Compacted
	return nil
}

func (l *memoryLog) Reopen() (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held, l.err
}

// fail makes commits fail, whether or not they are kept; nil ends that.
func (l *memoryLog) fail(err error, keep bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err, l.keep = err, keep
}

func version(kv *mvccpb.KeyValue) string { return fmt.Sprintf("%s@%d", kv.Key, kv.ModRevision) }

func (l *memoryLog) snapshot() *Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	snapshot := &Snapshot{Revision: l.rev, Compacted: l.compacted}
	for _, event := range l.versions {
		if event.Kv.ModRevision <= l.compacted {
			snapshot.KeyValues = append(snapshot.KeyValues, event.Kv)
		}
	}
	for _, made := range l.made[max(l.compacted, 1)-1:] {
		if len(made.Events) == 0 {
			continue
		}
		copied := Revision{At: made.At}
		for _, event := range made.Events {
			kv := *event.Kv
			copied.Events = append(copied.Events, &clientv3.Event{Type: event.Type, Kv: &kv})
		}
		snapshot.History = append(snapshot.History, copied)
	}
	return snapshot
}

func TestLogRestoresStore(t *testing.T) {
	clock := testclock.NewFakeClock(time.Now())
	log := newMemoryLog()
	store, client := newStore(t, Options{Clock: clock, Log: log})
	put(t, client, "a", "1")
	put(t, client, "a", "2")
	put(t, client, "gone", "")
	if _, err := client.Delete(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	rev := put(t, client, "last", "")
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
	if got := restored.CompactRevision(); got != 0 {
		t.Errorf("the restored store is compacted at %d, want 0", got)
	}
	want := []string{
		mvcctest.EventText(2, "PUT", "a", "1", ""), mvcctest.EventText(3, "PUT", "a", "2", "1"), mvcctest.EventText(4, "PUT", "gone", "", ""),
		mvcctest.EventText(5, "DELETE", "gone", "", ""), mvcctest.EventText(6, "PUT", "last", "", ""),
	}
	if diff := cmp.Diff(want, mvcctest.EventTexts(next(t, client.Watch(t.Context(), "", clientv3.WithPrefix(), clientv3.WithRev(1))).Events)); diff != "" {
		t.Errorf("a watch from before: %s", diff)
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
	if exists(t, client, "first") {
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

func TestFailedCommit(t *testing.T) {
	for name, held := range map[string]bool{"lost": false, "held": true} {
		t.Run(name, func(t *testing.T) {
			clock := testclock.NewFakeClock(time.Now())
			log := newMemoryLog()
			store, client := newStore(t, Options{Clock: clock, Log: log})
			put(t, client, "a", "1")
			watch := client.Watch(t.Context(), "", clientv3.WithPrefix())
			full := errors.New("disk full")
			log.fail(full, held)
			if _, err := client.Put(t.Context(), "a", "2"); !errors.Is(err, full) || !errors.Is(err, ErrUncertain) {
				t.Errorf("the failed commit: %v", err)
			}
			if _, err := client.Put(t.Context(), "a", "3"); !errors.Is(err, full) || !errors.Is(err, ErrReadOnly) {
				t.Errorf("writing afterwards: %v", err)
			}
			if _, err := client.Compact(t.Context(), 2); !errors.Is(err, ErrReadOnly) {
				t.Errorf("compacting afterwards: %v", err)
			}
			if err := store.Err(); !errors.Is(err, full) {
				t.Errorf("the store says %v, want %v", err, full)
			}
			response, err := client.KV.Get(t.Context(), "a")
			if err != nil || string(response.Kvs[0].Value) != "1" || response.Header.Revision != 2 {
				t.Errorf("reading: %v, %v; want the state before", response, err)
			}
			if err := client.RequestProgress(t.Context()); err != nil {
				t.Fatal(err)
			}
			if response := next(t, watch); !response.IsProgressNotify() {
				t.Errorf("a watch saw a change whose outcome is unknown: %v", response.Events)
			}
			log.fail(nil, false)
			recovered(t, store, clock)

			want := []string{mvcctest.EventText(4, "PUT", "a", "4", "1")}
			if held {
				want = []string{mvcctest.EventText(3, "PUT", "a", "2", "1"), mvcctest.EventText(4, "PUT", "a", "4", "2")}
			}
			if rev := put(t, client, "a", "4"); rev != 4 {
				t.Errorf("the next revision is %d, want 4", rev)
			}
			var got []string
			for len(got) < len(want) {
				got = append(got, mvcctest.EventTexts(next(t, watch).Events)...)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			store.Close()
			_, client = newStore(t, Options{Log: log, Restore: log.snapshot()})
			if rev := put(t, client, "b", ""); rev != 5 {
				t.Errorf("after a restart the next revision is %d, want 5", rev)
			}
		})
	}
}

// TestFailedRevisionIsUsedUp restarts right after a commit that failed and left no trace.
func TestFailedRevisionIsUsedUp(t *testing.T) {
	clock := testclock.NewFakeClock(time.Now())
	log := newMemoryLog()
	store, client := newStore(t, Options{Clock: clock, Log: log})
	put(t, client, "a", "1")
	log.fail(errors.New("disk full"), false)
	if _, err := client.Put(t.Context(), "a", "2"); err == nil {
		t.Fatal("it was written")
	}
	log.fail(nil, false)
	recovered(t, store, clock)
	response, err := client.KV.Get(t.Context(), "a")
	if err != nil || response.Header.Revision != 3 || string(response.Kvs[0].Value) != "1" {
		t.Errorf("read %v, %v", response, err)
	}
	store.Close()
	_, client = newStore(t, Options{Log: log, Restore: log.snapshot()})
	if rev := put(t, client, "a", "2"); rev != 4 {
		t.Errorf("the next revision is %d, want 4", rev)
	}
}

// recovered waits until a store is writable again.
func recovered(t *testing.T, store *Store, clock *testclock.FakeClock) {
	t.Helper()
	eventually(t, "the store is writable", func() bool {
		clock.Step(retryInterval)
		return store.Err() == nil
	})
}

// TestLogForgets compacts by age and by count, with a log that checks what it
// has to forget, and that keeps what a restart needs.
func TestLogForgets(t *testing.T) {
	const batch = 1000
	clock := testclock.NewFakeClock(time.Now())
	log := newMemoryLog()
	store, client := newStore(t, Options{Clock: clock, Log: log, HistoryAge: time.Minute, HistoryRevisions: 2*batch + 20})
	for i := range 3 * batch {
		put(t, client, fmt.Sprint(i%10), "")
	}
	put(t, client, "last", "")
	if got := store.CompactRevision(); got == 0 {
		t.Error("nothing is compacted by count")
	}
	step(t, clock, time.Hour)
	eventually(t, "all that is old is forgotten", func() bool { return store.CompactRevision() == 3*batch+2 })
	if snapshot := log.snapshot(); len(log.versions) != 11 || len(snapshot.KeyValues) != 11 || len(snapshot.History) != 0 {
		t.Errorf("the log holds %d versions, %d of them current and %d in the history; want 11, 11, 0",
			len(log.versions), len(snapshot.KeyValues), len(snapshot.History))
	}
}

func TestRestoreRefused(t *testing.T) {
	kv := func(rev, created, version int64) *mvccpb.KeyValue {
		return &mvccpb.KeyValue{Key: []byte("a"), ModRevision: rev, CreateRevision: created, Version: version}
	}
	history := func(events ...*clientv3.Event) []Revision { return []Revision{{Events: events}} }
	for name, snapshot := range map[string]Snapshot{
		"no revision":       {},
		"compacted later":   {Revision: 2, Compacted: 3},
		"key of the future": {Revision: 2, Compacted: 2, KeyValues: []*mvccpb.KeyValue{kv(3, 3, 1)}},
		"key twice":         {Revision: 3, Compacted: 3, KeyValues: []*mvccpb.KeyValue{kv(2, 2, 1), kv(3, 3, 1)}},
		"history too long":  {Revision: 2, Compacted: 2, History: history(&clientv3.Event{Kv: kv(3, 3, 1)})},
		"revision empty":    {Revision: 3, Compacted: 2, History: history()},
		"revision too late": {Revision: 3, Compacted: 2, History: history(&clientv3.Event{Kv: kv(4, 4, 1)})},
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
	if exists(t, client, "a") {
		t.Error("it was written")
	}
}
