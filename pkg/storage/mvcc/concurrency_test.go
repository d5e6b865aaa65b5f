// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/kubernetes"
)

// call is one operation on a counter as its caller saw it, with where it began and ended in the order of all calls.
type call struct {
	began, ended int64
	key          string
	rev          int64 // of the store when it answered
	value        int   // that was read, or written
	wrote        bool
}

// TestConcurrentCallsAreLinearizable lets writers and readers loose on a few
// counters and checks that the order of revisions explains what each saw.
func TestConcurrentCallsAreLinearizable(t *testing.T) {
	const callers, callsEach = 8, 300
	_, client := newStore(t, Options{})
	watch := client.Watch(t.Context(), "", clientv3.WithPrefix(), clientv3.WithRev(2))
	var order atomic.Int64
	all := make([][]call, callers)
	var running sync.WaitGroup
	for caller := range callers {
		running.Go(func() {
			random := rand.New(rand.NewPCG(uint64(caller), 1))
			for range callsEach {
				c := call{key: fmt.Sprint(random.IntN(3)), began: order.Add(1)}
				if err := c.perform(t, client, random.IntN(2) == 0); err != nil {
					t.Error(err)
					return
				}
				c.ended = order.Add(1)
				all[caller] = append(all[caller], c)
			}
		})
	}
	running.Wait()
	calls := slices.Concat(all...)
	checkOrder(t, calls)
	checkValues(t, calls)
	checkWatched(t, calls, watch)
}

// perform increments the counter, unless another caller was faster, or reads it.
func (c *call) perform(t *testing.T, client *kubernetes.Client, increment bool) error {
	read, err := client.Kubernetes.Get(t.Context(), c.key, kubernetes.GetOptions{})
	if err != nil {
		return err
	}
	c.rev, c.value = read.Revision, counter(read.KV)
	if !increment {
		return nil
	}
	written, err := client.Kubernetes.OptimisticPut(t.Context(), c.key, []byte(strconv.Itoa(c.value+1)),
		modRevision(read.KV), kubernetes.PutOptions{GetOnFailure: true})
	if err != nil {
		return err
	}
	c.rev, c.wrote = written.Revision, written.Succeeded
	if written.Succeeded {
		c.value++
	} else {
		c.value = counter(written.KV)
	}
	return nil
}

// counter is the value of a counter; one that isn't there is 0.
func counter(kv *mvccpb.KeyValue) int {
	if kv == nil {
		return 0
	}
	n, err := strconv.Atoi(string(kv.Value))
	if err != nil {
		return -1
	}
	return n
}

func modRevision(kv *mvccpb.KeyValue) int64 {
	if kv == nil {
		return 0
	}
	return kv.ModRevision
}

// checkOrder checks that a call which began after another had ended isn't before it in the order of revisions.
func checkOrder(t *testing.T, calls []call) {
	t.Helper()
	byBegin := slices.SortedFunc(slices.Values(calls), func(a, b call) int { return int(a.began - b.began) })
	byEnd := slices.SortedFunc(slices.Values(calls), func(a, b call) int { return int(a.ended - b.ended) })
	var newest int64
	for _, c := range byBegin {
		for ; len(byEnd) > 0 && byEnd[0].ended < c.began; byEnd = byEnd[1:] {
			newest = max(newest, byEnd[0].rev)
		}
		if c.rev < newest {
			t.Fatalf("a call began after revision %d was seen, and saw %d", newest, c.rev)
		}
	}
}

// checkValues checks what each call saw against the writes up to its revision.
func checkValues(t *testing.T, calls []call) {
	t.Helper()
	ordered := slices.SortedFunc(slices.Values(calls), func(a, b call) int {
		if a.rev != b.rev {
			return int(a.rev - b.rev)
		}
		if a.wrote != b.wrote && a.wrote {
			return -1
		}
		return 0
	})
	values := map[string]int{}
	last := int64(1)
	for _, c := range ordered {
		if c.wrote {
			if last++; c.rev != last || c.value != values[c.key]+1 {
				t.Fatalf("at revision %d, after %d, counter %s went from %d to %d", c.rev, last-1, c.key, values[c.key], c.value)
			}
			values[c.key] = c.value
		} else if c.value != values[c.key] {
			t.Fatalf("at revision %d counter %s was seen as %d, and was %d", c.rev, c.key, c.value, values[c.key])
		}
	}
}

// checkWatched checks that a watch saw all writes in order.
func checkWatched(t *testing.T, calls []call, watch clientv3.WatchChan) {
	t.Helper()
	writes := slices.DeleteFunc(slices.Clone(calls), func(c call) bool { return !c.wrote })
	slices.SortFunc(writes, func(a, b call) int { return int(a.rev - b.rev) })
	for len(writes) > 0 {
		for _, event := range next(t, watch).Events {
			if w := writes[0]; event.Kv.ModRevision != w.rev || string(event.Kv.Key) != w.key || counter(event.Kv) != w.value {
				t.Fatalf("watched %v, want %+v", event, w)
			}
			writes = writes[1:]
		}
	}
}

// TestOldRevisionsAreStable reads old revisions while they are added to.
func TestOldRevisionsAreStable(t *testing.T) {
	const revisions = 300
	_, client := newStore(t, Options{})
	var running sync.WaitGroup
	var newest atomic.Int64
	newest.Store(1)
	running.Go(func() {
		for i := range revisions {
			newest.Store(put(t, client, fmt.Sprintf("%03d", i), ""))
		}
	})
	for reader := range 4 {
		running.Go(func() {
			random := rand.New(rand.NewPCG(uint64(reader), 2))
			for newest.Load() <= revisions {
				rev := 1 + random.Int64N(newest.Load())
				response, err := client.KV.Get(t.Context(), "", clientv3.WithPrefix(), clientv3.WithRev(rev), clientv3.WithCountOnly())
				if err != nil || response.Count != rev-1 {
					t.Errorf("at revision %d there is %v, %v; want %d keys", rev, response, err, rev-1)
					return
				}
			}
		})
	}
	running.Wait()
}
