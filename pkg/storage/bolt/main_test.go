// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/kubernetes"
	"go.uber.org/goleak"

	"tilt.dev/session/pkg/storage/mvcc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opened is a store on a file.
type opened struct {
	t      testing.TB
	dir    string
	log    *Log
	store  *mvcc.Store
	client *kubernetes.Client
	disk   *disk
}

// open opens a directory until the end of the test, or close.
func open(t testing.TB, dir string, options mvcc.Options) *opened {
	t.Helper()
	log, snapshot, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	o := &opened{t: t, dir: dir, log: log, disk: &disk{}}
	log.commit = o.disk.commit
	options.Log, options.Restore = log, snapshot
	if o.store, err = mvcc.New(options); err != nil {
		t.Fatal(err)
	}
	o.client = o.store.Client(context.Background())
	t.Cleanup(o.close)
	return o
}

func (o *opened) close() {
	if o.store == nil {
		return
	}
	o.store.Close()
	o.store = nil
	if err := o.log.Close(); err != nil {
		o.t.Error(err)
	}
}

func (o *opened) path() string { return filepath.Join(o.dir, fileName) }

func (o *opened) put(key, value string, options ...clientv3.OpOption) int64 {
	o.t.Helper()
	response, err := o.client.KV.Put(o.t.Context(), key, value, options...)
	if err != nil {
		o.t.Fatalf("putting %s: %v", key, err)
	}
	return response.Header.Revision
}

func (o *opened) get(key string) string {
	o.t.Helper()
	response, err := o.client.KV.Get(o.t.Context(), key)
	if err != nil {
		o.t.Fatalf("getting %s: %v", key, err)
	}
	if response.Count == 0 {
		return ""
	}
	return string(response.Kvs[0].Value)
}

// epoch is when tests take place.
var epoch = time.Unix(0, 1e18)

func keyValue(key string, rev, created, version int64) *mvccpb.KeyValue {
	return &mvccpb.KeyValue{Key: []byte(key), ModRevision: rev, CreateRevision: created, Version: version}
}

// disk commits transactions, or fails to.
type disk struct {
	mu   sync.Mutex
	fail func(*bbolt.Tx) error
}

func (d *disk) set(fail func(*bbolt.Tx) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = fail
}

func (d *disk) commit(tx *bbolt.Tx) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail != nil {
		return d.fail(tx)
	}
	return tx.Commit()
}

// full writes nothing.
func full(*bbolt.Tx) error { return syscall.ENOSPC }

// unsynced writes everything, and fails as if the last sync had.
func unsynced(tx *bbolt.Tx) error {
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("a commit that should work: %w", err)
	}
	return syscall.EIO
}

// broken panics as bbolt does on a damaged page.
func broken(*bbolt.Tx) error { panic("page 7 already freed") }
