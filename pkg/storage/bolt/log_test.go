// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	clientv3 "go.etcd.io/etcd/client/v3"
	testclock "k8s.io/utils/clock/testing"

	"tilt.dev/session/pkg/storage/mvcc"
)

func TestRestart(t *testing.T) {
	options := mvcc.Options{}
	dir := filepath.Join(t.TempDir(), "made", "on", "the", "way")
	o := open(t, dir, options)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is %v, %v; want one of mode 0700", info, err)
	}
	o.put("a", "1")
	o.put("b", "2")
	rev := o.put("a", "3")
	o.close()

	o = open(t, dir, options)
	response, err := o.client.KV.Get(t.Context(), "a", clientv3.WithRev(rev-1))
	if err != nil || response.Header.Revision != rev || string(response.Kvs[0].Value) != "1" {
		t.Errorf("before the last revision: %v, %v", response, err)
	}
	if o.get("a") != "3" || o.get("b") != "2" {
		t.Errorf("a is %q and b %q, want 3 and 2", o.get("a"), o.get("b"))
	}
	if next := o.put("b", ""); next != rev+1 {
		t.Errorf("the next revision is %d, want %d", next, rev+1)
	}
}

// recovered waits until a store with a fake clock is writable again.
func (o *opened) recovered(clock *testclock.FakeClock) {
	o.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); o.store.Err() != nil; time.Sleep(time.Millisecond) {
		clock.Step(time.Second)
		if time.Now().After(deadline) {
			o.t.Fatalf("the store does not recover: %v", o.store.Err())
		}
	}
}

// TestFailedCommit lets commits fail in each way. The store is read-only until
// the file is open again, and then has what the file has.
func TestFailedCommit(t *testing.T) {
	for name, c := range map[string]struct {
		fail func(*bbolt.Tx) error
		held bool
	}{"full": {full, false}, "unsynced": {unsynced, true}, "broken": {broken, false}} {
		t.Run(name, func(t *testing.T) {
			clock := testclock.NewFakeClock(time.Now())
			options := mvcc.Options{Clock: clock, HistoryAge: 1 << 60}
			o := open(t, t.TempDir(), options)
			rev := o.put("a", "acknowledged")
			before, err := os.Stat(o.path())
			if err != nil {
				t.Fatal(err)
			}
			o.disk.set(c.fail)
			if _, err := o.client.KV.Put(t.Context(), "a", "failed"); !errors.Is(err, mvcc.ErrUncertain) || !strings.Contains(err.Error(), o.path()) {
				t.Fatalf("the failed commit: %v", err)
			}
			o.disk.set(nil)
			if _, err := o.client.KV.Put(t.Context(), "b", "refused"); !errors.Is(err, mvcc.ErrReadOnly) || !strings.Contains(err.Error(), o.path()) {
				t.Fatalf("the next change: %v", err)
			}
			if o.get("a") != "acknowledged" {
				t.Errorf("a is %q", o.get("a"))
			}
			o.recovered(clock)
			after, err := os.Stat(o.path())
			if err != nil {
				t.Fatal(err)
			}
			if os.SameFile(before, after) == c.held {
				t.Errorf("the file was rewritten: %t, want %t", !c.held, c.held)
			}
			want := map[bool]string{true: "failed", false: "acknowledged"}[c.held]
			if o.get("a") != want {
				t.Errorf("a is %q, want %q", o.get("a"), want)
			}
			if got := o.put("b", strings.Repeat("x", 10_000)); got != rev+2 {
				t.Errorf("the next revision is %d, want %d", got, rev+2)
			}
			o.close()
			o = open(t, o.dir, options)
			if o.get("a") != want || o.put("c", "") != rev+3 {
				t.Errorf("after a restart a is %q, want %q", o.get("a"), want)
			}
			o.close()
			if report, err := Check(t.Context(), o.dir, anything); err != nil || len(report.Problems) > 0 {
				t.Errorf("the check finds %v, %v", report.Problems, err)
			}
		})
	}
}

// TestRewritingFails repeats the rewriting of a file that has a failed commit, and the opening of the new file.
func TestRewritingFails(t *testing.T) {
	o := open(t, t.TempDir(), mvcc.Options{Clock: testclock.NewFakeClock(time.Now())})
	o.put("a", "1")
	o.disk.set(unsynced)
	if _, err := o.client.KV.Put(t.Context(), "a", "2"); err == nil {
		t.Fatal("it was acknowledged")
	}
	o.disk.set(nil)
	o.store.Close()
	aside := o.path() + ".aside"
	if err := os.Rename(o.path(), aside); err != nil {
		t.Fatal(err)
	}
	if _, err := o.log.Reopen(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	if err := os.Rename(aside, o.path()); err != nil {
		t.Fatal(err)
	}
	if err := o.log.resolve(); err != nil {
		t.Fatal(err)
	}
	if held, err := o.log.Reopen(); !held || err != nil {
		t.Errorf("after the rewriting: %t, %v", held, err)
	}
	if err := o.log.Commit(mvcc.Changes{Revision: 4}); err != nil {
		t.Error(err)
	}
}

// TestKilledAfterFailedCommit restarts from the file as it is right after a commit whose outcome is unknown.
func TestKilledAfterFailedCommit(t *testing.T) {
	o := open(t, t.TempDir(), mvcc.Options{Clock: testclock.NewFakeClock(time.Now())})
	rev := o.put("a", "acknowledged")
	o.disk.set(unsynced)
	if _, err := o.client.KV.Txn(t.Context()).Then(clientv3.OpPut("a", "failed"), clientv3.OpPut("b", "failed")).Commit(); err == nil {
		t.Fatal("it was acknowledged")
	}
	o.close()
	o = open(t, o.dir, mvcc.Options{})
	if o.get("a") != "failed" || o.get("b") != "failed" || o.put("c", "") != rev+2 {
		t.Errorf("a is %q and b %q", o.get("a"), o.get("b"))
	}
}

func TestFileIsMissedAtOnce(t *testing.T) {
	for name, harm := range map[string]func(string) error{
		"removed": os.Remove,
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+".old"), os.WriteFile(path, nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			clock := testclock.NewFakeClock(time.Now())
			o := open(t, t.TempDir(), mvcc.Options{Clock: clock})
			o.put("a", "1")
			backup := filepath.Join(t.TempDir(), "link")
			if err := errors.Join(os.Link(o.path(), backup), harm(o.path())); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				clock.Step(time.Second)
				if _, err := o.client.KV.Put(t.Context(), "a", "2"); err == nil {
					t.Error("a change was acknowledged that a restart would lose")
				}
			}
			if err := os.Rename(backup, o.path()); err != nil {
				t.Fatal(err)
			}
			o.recovered(clock)
			o.put("a", "3")
			o.close()
			if o = open(t, o.dir, mvcc.Options{}); o.get("a") != "3" {
				t.Errorf("after the file was put back a is %q", o.get("a"))
			}
		})
	}
}

// TestFileGrowsNoFurther changes objects for much longer than the history.
func TestFileGrowsNoFurther(t *testing.T) {
	o := open(t, t.TempDir(), mvcc.Options{HistoryRevisions: 50})
	value := strings.Repeat("x", 6<<10)
	round := func() int64 {
		for i := range 100 {
			o.put(fmt.Sprint(i%20), value)
		}
		o.put("gone", value)
		if _, err := o.client.KV.Delete(t.Context(), "gone"); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(o.path())
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	first, last := round(), int64(0)
	for range 5 {
		last = round()
	}
	if last > 2*first {
		t.Errorf("the file grew from %d to %d bytes", first, last)
	}
	if entries := o.log.head.Entries; entries > 50+22 {
		t.Errorf("it has %d entries of 20 keys and 50 revisions", entries)
	}
}

func TestOutOfSpace(t *testing.T) {
	for err, want := range map[error]bool{syscall.ENOSPC: true, syscall.EDQUOT: true, syscall.EFBIG: true, syscall.EIO: false, syscall.EROFS: false} {
		if got := OutOfSpace(unwritable("file", err)); got != want {
			t.Errorf("%v is out of space: %t", err, got)
		}
	}
}
