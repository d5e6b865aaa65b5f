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
	clock := testclock.NewFakeClock(time.Now())
	options := mvcc.Options{Clock: clock}
	dir := filepath.Join(t.TempDir(), "made", "on", "the", "way")
	o := open(t, dir, options)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is %v, %v; want one of mode 0700", info, err)
	}
	lease, err := o.client.Grant(t.Context(), 60)
	if err != nil {
		t.Fatal(err)
	}
	o.put("a", "1")
	o.put("leased", "2", clientv3.WithLease(lease.ID))
	rev := o.put("a", "3")
	clock.Step(30 * time.Second)
	o.close()

	o = open(t, dir, options)
	response, err := o.client.KV.Get(t.Context(), "a", clientv3.WithRev(rev-1))
	if err != nil || response.Header.Revision != rev || string(response.Kvs[0].Value) != "1" {
		t.Errorf("before the last revision: %v, %v", response, err)
	}
	if o.get("a") != "3" || o.get("leased") != "2" {
		t.Errorf("a is %q and leased %q, want 3 and 2", o.get("a"), o.get("leased"))
	}
	o.close()

	// A lease doesn't wait for the process.
	clock.Step(30 * time.Second)
	o = open(t, dir, options)
	deadline := time.Now().Add(30 * time.Second)
	for o.get("leased") != "" {
		if time.Now().After(deadline) {
			t.Fatal("the lease doesn't end")
		}
		time.Sleep(time.Millisecond)
	}
	if next := o.put("b", ""); next != rev+2 {
		t.Errorf("the next revision is %d, want %d", next, rev+2)
	}
}

// TestFailedCommitLeavesNoTrace lets commits fail in all ways, and restarts
// right after some of them.
func TestFailedCommitLeavesNoTrace(t *testing.T) {
	for name, fail := range map[string]func(*bbolt.Tx) error{"full": full, "unsynced": unsynced, "broken": broken} {
		t.Run(name, func(t *testing.T) {
			o := open(t, t.TempDir(), mvcc.Options{})
			rev := o.put("a", "acknowledged")
			for range 3 {
				o.disk.set(fail)
				if _, err := o.client.KV.Put(t.Context(), "a", "refused"); err == nil || !strings.Contains(err.Error(), o.path()) {
					t.Fatalf("it failed with %v, which should name the file", err)
				}
				if o.store.Err() == nil {
					t.Error("the store says nothing of it")
				}
				if o.get("a") != "acknowledged" {
					t.Errorf("a is %q", o.get("a"))
				}
				o.disk.set(nil)
				if got := o.put("b", strings.Repeat("x", 10_000)); got != rev+1 {
					t.Errorf("the next revision is %d, want %d", got, rev+1)
				}
				o.close()
				o = open(t, o.dir, mvcc.Options{})
				if o.get("a") != "acknowledged" {
					t.Fatalf("after a restart a is %q", o.get("a"))
				}
				rev++
			}
		})
	}
}

// TestKilledAfterFailedCommit looks at the file right after a commit whose
// outcome wasn't known: what is found is that commit whole, or nothing of it.
func TestKilledAfterFailedCommit(t *testing.T) {
	o := open(t, t.TempDir(), mvcc.Options{})
	rev := o.put("a", "acknowledged")
	var left []byte
	o.disk.set(func(tx *bbolt.Tx) error {
		err := unsynced(tx)
		if content, readErr := os.ReadFile(o.path()); left == nil && readErr == nil {
			left = content
		}
		return err
	})
	if _, err := o.client.KV.Txn(t.Context()).Then(clientv3.OpPut("a", "refused"), clientv3.OpPut("b", "refused")).Commit(); err == nil {
		t.Fatal("it was acknowledged")
	}
	o.close()
	o = open(t, write(t, left), mvcc.Options{})
	if o.get("a") != "refused" || o.get("b") != "refused" || o.put("c", "") != rev+2 {
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
			o := open(t, t.TempDir(), mvcc.Options{})
			o.put("a", "1")
			backup := filepath.Join(t.TempDir(), "link")
			if err := errors.Join(os.Link(o.path(), backup), harm(o.path())); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := o.client.KV.Put(t.Context(), "a", "2"); err == nil {
					t.Error("a change was acknowledged that nobody will find")
				}
			}
			if err := os.Rename(backup, o.path()); err != nil {
				t.Fatal(err)
			}
			o.put("a", "3")
			o.close()
			if o = open(t, o.dir, mvcc.Options{}); o.get("a") != "3" {
				t.Errorf("after it was put back a is %q", o.get("a"))
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
	if entries := o.log.head.entries; entries > 50+22 {
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
