// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcctest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/kubernetes"
)

// Keys of which one is a prefix of others, and their prefixes.
var (
	someKeys     = []string{"a", "b", "b/", "b/1", "b/2", "c"}
	somePrefixes = []string{"a", "b", "b/", "c", "z"}
)

// Subject is a new store, with functions that disturb it.
type Subject struct {
	Client *kubernetes.Client
	// Restart closes the store and opens another one on the same data. It is nil without a log.
	Restart func() *kubernetes.Client
	// Refuse makes the next change fail and the store read-only, until accept returns. Then the change turns out to
	// be stored if held is true. Refuse is nil where changes cannot fail.
	Refuse func() (accept func(), held bool)
}

// Run applies the operations that the bytes of a script select to a store and to the model, and compares the results.
func Run(t testing.TB, subject Subject, script []byte) {
	t.Helper()
	o := &operations{t: t, subject: subject, client: subject.Client, model: newModel(), script: script}
	o.run()
	if subject.Restart != nil {
		o.restart()
		o.checkAll()
	}
}

// operations is a run.
type operations struct {
	t       testing.TB
	subject Subject
	client  *kubernetes.Client
	model   *model
	script  []byte
}

func (o *operations) pick(n int) int {
	if len(o.script) == 0 {
		return 0
	}
	b := o.script[0]
	o.script = o.script[1:]
	return int(b) % n
}

func (o *operations) key() string    { return someKeys[o.pick(len(someKeys))] }
func (o *operations) prefix() string { return somePrefixes[o.pick(len(somePrefixes))] }
func (o *operations) value() string  { return fmt.Sprint("value", o.pick(4)) }

// revision is one of the last few, or one to come.
func (o *operations) revision() int64 { return max(o.model.rev+2-int64(o.pick(12)), 0) }

func (o *operations) run() {
	steps := []func(){o.put, o.put, o.delete, o.deletePrefix, o.putIf, o.deleteIf, o.transaction, o.get, o.list, o.count, o.compact, o.watch}
	if o.subject.Restart != nil {
		steps = append(steps, o.restart)
	}
	if o.subject.Refuse != nil {
		steps = append(steps, o.refuse)
	}
	for len(o.script) > 0 {
		steps[o.pick(len(steps))]()
	}
	o.checkAll()
}

// checkAll compares the last revisions.
func (o *operations) checkAll() {
	o.t.Helper()
	for rev := max(o.model.rev-10, 0); rev <= o.model.rev+1; rev++ {
		o.checkList(rev, "", 0)
		o.checkWatch(max(rev, 1), "b")
	}
}

func (o *operations) sameRevision(rev int64) {
	o.t.Helper()
	if rev != o.model.rev {
		o.t.Fatalf("the store is at revision %d, the model at %d", rev, o.model.rev)
	}
}

func (o *operations) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *operations) put() {
	key, value := o.key(), o.value()
	response, err := o.client.KV.Put(o.t.Context(), key, value)
	o.must(err)
	o.model.put(key, value)
	o.sameRevision(response.Header.Revision)
}

func (o *operations) delete() {
	key := o.key()
	response, err := o.client.KV.Delete(o.t.Context(), key)
	o.must(err)
	o.model.delete(key)
	o.sameRevision(response.Header.Revision)
}

func (o *operations) deletePrefix() {
	prefix := o.prefix()
	response, err := o.client.KV.Delete(o.t.Context(), prefix, clientv3.WithPrefix())
	o.must(err)
	kvs, _ := o.model.list(0, prefix)
	keys := make([]string, 0, len(kvs))
	for _, kv := range kvs {
		keys = append(keys, string(kv.Key))
	}
	o.model.delete(keys...)
	o.sameRevision(response.Header.Revision)
	if response.Deleted != int64(len(keys)) {
		o.t.Fatalf("deleted %d keys below %s, want %d", response.Deleted, prefix, len(keys))
	}
}

// expected is the revision of a key, or a wrong one.
func (o *operations) expected(key string) (rev int64, right bool) {
	right = o.pick(3) > 0
	rev = o.model.at[o.model.rev][key].ModRevision
	if !right {
		rev += 7
	}
	return rev, right
}

func (o *operations) putIf() {
	key, value := o.key(), o.value()
	rev, right := o.expected(key)
	response, err := o.client.Kubernetes.OptimisticPut(o.t.Context(), key, []byte(value), rev, kubernetes.PutOptions{GetOnFailure: true})
	o.must(err)
	o.sameFailure(key, response.Succeeded, right, response.KV)
	if right {
		o.model.put(key, value)
	}
	o.sameRevision(response.Revision)
}

func (o *operations) deleteIf() {
	key := o.key()
	rev, right := o.expected(key)
	response, err := o.client.Kubernetes.OptimisticDelete(o.t.Context(), key, rev, kubernetes.DeleteOptions{GetOnFailure: true})
	o.must(err)
	o.sameFailure(key, response.Succeeded, right, response.KV)
	if right {
		o.model.delete(key)
	}
	o.sameRevision(response.Revision)
}

func (o *operations) sameFailure(key string, succeeded, right bool, got *mvccpb.KeyValue) {
	o.t.Helper()
	if succeeded != right {
		o.t.Fatalf("a condition on %s that is %t gave %t", key, right, succeeded)
	}
	want, exists := o.model.at[o.model.rev][key]
	switch {
	case right && got != nil, !right && exists != (got != nil):
		o.t.Fatalf("a condition on %s that is %t answered %v", key, right, got)
	case got != nil && !cmp.Equal(*got, want):
		o.t.Fatalf("a failed condition on %s answered %v, want %v", key, got, want)
	}
}

// transaction changes two keys, or, where one of them is to change twice, nothing.
func (o *operations) transaction() {
	first, second, value := o.key(), o.key(), o.value()
	response, err := o.client.KV.Txn(o.t.Context()).Then(clientv3.OpDelete(first), clientv3.OpPut(second, value)).Commit()
	if _, exists := o.model.at[o.model.rev][first]; first == second && exists {
		if !errors.Is(err, rpctypes.ErrDuplicateKey) {
			o.t.Fatalf("changing %s twice: %v", first, err)
		}
		return
	}
	o.must(err)
	changes := map[string]*string{first: nil}
	changes[second] = &value
	o.model.change(changes)
	o.sameRevision(response.Header.Revision)
}

func (o *operations) get() {
	key, rev := o.key(), o.revision()
	response, err := o.client.Kubernetes.Get(o.t.Context(), key, kubernetes.GetOptions{Revision: rev})
	want, wantErr := o.model.list(rev, "")
	if !errors.Is(err, wantErr) {
		o.t.Fatalf("getting %s at %d: %v, want %v", key, rev, err, wantErr)
	}
	if err != nil {
		return
	}
	o.sameRevision(response.Revision)
	at := slices.IndexFunc(want, func(kv mvccpb.KeyValue) bool { return string(kv.Key) == key })
	if (at >= 0) != (response.KV != nil) || at >= 0 && !cmp.Equal(*response.KV, want[at]) {
		o.t.Fatalf("got %s at %d: %v, want one of %v", key, rev, response.KV, want)
	}
}

func (o *operations) list() { o.checkList(o.revision(), o.prefix(), int64(o.pick(4))) }

func (o *operations) checkList(rev int64, prefix string, limit int64) {
	o.t.Helper()
	response, err := o.client.KV.Get(o.t.Context(), prefix, clientv3.WithPrefix(), clientv3.WithRev(rev), clientv3.WithLimit(limit))
	want, wantErr := o.model.list(rev, prefix)
	if !errors.Is(err, wantErr) {
		o.t.Fatalf("listing %q at %d: %v, want %v", prefix, rev, err, wantErr)
	}
	if err != nil {
		return
	}
	o.sameRevision(response.Header.Revision)
	if response.Count != int64(len(want)) || response.More != (limit > 0 && response.Count > limit) {
		o.t.Fatalf("listing %q at %d counts %d, more: %t, want %d", prefix, rev, response.Count, response.More, len(want))
	}
	if limit > 0 && response.Count > limit {
		want = want[:limit]
	}
	got := make([]mvccpb.KeyValue, 0, len(response.Kvs))
	for _, kv := range response.Kvs {
		got = append(got, *kv)
	}
	if !slices.EqualFunc(got, want, func(a, b mvccpb.KeyValue) bool { return cmp.Equal(a, b) }) {
		o.t.Fatalf("listing %q at %d: %s", prefix, rev, cmp.Diff(want, got))
	}
}

func (o *operations) count() {
	prefix := o.prefix()
	got, err := o.client.Kubernetes.Count(o.t.Context(), prefix, kubernetes.CountOptions{})
	o.must(err)
	if want, _ := o.model.list(0, prefix); got != int64(len(want)) {
		o.t.Fatalf("counted %d below %s, want %d", got, prefix, len(want))
	}
}

func (o *operations) compact() {
	if o.pick(4) > 0 {
		return // else there is never much of a history
	}
	rev := max(o.revision(), 1)
	_, err := o.client.KV.Compact(o.t.Context(), rev)
	if want := o.model.compact(rev); !errors.Is(err, want) {
		o.t.Fatalf("compacting at %d: %v, want %v", rev, err, want)
	}
}

func (o *operations) watch() { o.checkWatch(max(o.revision(), 1), o.prefix()) }

// checkWatch watches from a revision until all that happened has come, or it
// ends because that is forgotten. At the compacted revision it may be either.
func (o *operations) checkWatch(from int64, prefix string) {
	o.t.Helper()
	want := o.model.events(from, prefix)
	if from >= o.model.compacted && len(want) == 0 {
		return // nothing has to come
	}
	ctx, cancel := context.WithCancel(o.t.Context())
	defer cancel()
	watch := o.client.Watcher.Watch(ctx, prefix, clientv3.WithPrefix(), clientv3.WithRev(from), clientv3.WithPrevKV())
	var got []string
	for len(got) < len(want) || from < o.model.compacted {
		response := next(o.t, watch)
		if err := response.Err(); err != nil {
			if !errors.Is(err, rpctypes.ErrCompacted) || from > o.model.compacted || len(got) > 0 {
				o.t.Fatalf("watching %q from %d, compacted at %d, after %v: %v", prefix, from, o.model.compacted, got, err)
			}
			return
		}
		got = append(got, EventTexts(response.Events)...)
		if from < o.model.compacted {
			o.t.Fatalf("watching %q from %d, compacted at %d, sent %v", prefix, from, o.model.compacted, got)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		o.t.Fatalf("watching %q from %d: %s", prefix, from, diff)
	}
}

func (o *operations) restart() { o.client = o.subject.Restart() }

// refuse tries a change whose commit fails, and changes afterwards.
func (o *operations) refuse() {
	accept, held := o.subject.Refuse()
	key, value := o.key(), o.value()
	if _, err := o.client.KV.Put(o.t.Context(), key, value); err == nil {
		o.t.Fatalf("putting %s succeeded, want an error", key)
	}
	other := o.key()
	_, err := o.client.KV.Delete(o.t.Context(), other)
	if _, exists := o.model.at[o.model.rev][other]; exists == (err == nil) {
		o.t.Fatalf("deleting %s, which exists: %t: %v", other, exists, err)
	}
	o.checkList(0, "", 0)
	accept()
	if held {
		o.model.put(key, value)
	} else {
		o.model.skip()
	}
	o.checkList(0, "", 0)
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
	case <-time.After(30 * time.Second):
		t.Fatal("the watch sent nothing")
		panic("unreachable")
	}
}
