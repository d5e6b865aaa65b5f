// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func TestRequestsRefused(t *testing.T) {
	_, client := newStore(t, Options{})
	tooMany := make([]clientv3.Op, maxTxnOps+1)
	for i := range tooMany {
		tooMany[i] = clientv3.OpGet("a")
	}
	tests := map[string]struct {
		op   clientv3.Op
		want error
	}{
		"descending":             {clientv3.OpGet("a", clientv3.WithPrefix(), clientv3.WithSort(clientv3.SortByKey, clientv3.SortDescend)), errors.ErrUnsupported},
		"sorted by value":        {clientv3.OpGet("a", clientv3.WithPrefix(), clientv3.WithSort(clientv3.SortByValue, clientv3.SortAscend)), errors.ErrUnsupported},
		"bounds on revisions":    {clientv3.OpGet("a", clientv3.WithMinModRev(3)), errors.ErrUnsupported},
		"empty key read":         {clientv3.OpGet(""), rpctypes.ErrEmptyKey},
		"empty key written":      {clientv3.OpPut("", "x"), rpctypes.ErrEmptyKey},
		"empty key deleted":      {clientv3.OpDelete(""), rpctypes.ErrEmptyKey},
		"future revision":        {clientv3.OpGet("a", clientv3.WithRev(2)), rpctypes.ErrFutureRev},
		"lease":                  {clientv3.OpPut("a", "x", clientv3.WithLease(7)), errors.ErrUnsupported},
		"keeping the value":      {clientv3.OpPut("a", "", clientv3.WithIgnoreValue()), errors.ErrUnsupported},
		"key twice":              {clientv3.OpTxn(nil, []clientv3.Op{clientv3.OpPut("a", "1"), clientv3.OpPut("a", "2")}, nil), rpctypes.ErrDuplicateKey},
		"put, then deleted":      {clientv3.OpTxn(nil, []clientv3.Op{clientv3.OpPut("a", "1"), clientv3.OpDelete("a")}, nil), rpctypes.ErrDuplicateKey},
		"too much":               {clientv3.OpTxn(nil, tooMany, nil), rpctypes.ErrTooManyOps},
		"nested":                 {clientv3.OpTxn(nil, []clientv3.Op{clientv3.OpTxn(nil, nil, nil)}, nil), errors.ErrUnsupported},
		"old revision within":    {clientv3.OpTxn(nil, []clientv3.Op{clientv3.OpGet("a", clientv3.WithRev(1))}, nil), errors.ErrUnsupported},
		"comparison of a range":  {clientv3.OpTxn([]clientv3.Cmp{clientv3.Compare(clientv3.Version("a").WithPrefix(), "=", 0)}, nil, nil), errors.ErrUnsupported},
		"comparison of a value":  {clientv3.OpTxn([]clientv3.Cmp{clientv3.Compare(clientv3.Value("a"), "=", "x")}, nil, nil), errors.ErrUnsupported},
		"order":                  {clientv3.OpTxn([]clientv3.Cmp{clientv3.Compare(clientv3.Version("a"), ">", 0)}, nil, nil), errors.ErrUnsupported},
		"comparison without key": {clientv3.OpTxn([]clientv3.Cmp{clientv3.Compare(clientv3.Version(""), "=", 0)}, nil, nil), rpctypes.ErrEmptyKey},
		"half of it refused":     {clientv3.OpTxn(nil, []clientv3.Op{clientv3.OpPut("a", "1"), clientv3.OpPut("b", "1", clientv3.WithLease(7))}, nil), errors.ErrUnsupported},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := client.Do(t.Context(), test.op); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			response, err := client.KV.Get(t.Context(), "", clientv3.WithPrefix())
			if err != nil || response.Count != 0 || response.Header.Revision != 1 {
				t.Errorf("the store has %v, %v; want no keys at revision 1", response, err)
			}
		})
	}
}

func TestComparisons(t *testing.T) {
	_, client := newStore(t, Options{})
	put(t, client, "a", "first")
	put(t, client, "a", "second") // created at 2, modified at 3, version 2
	for _, test := range []struct {
		what string
		cmp  clientv3.Cmp
		want int64
	}{
		{"version", clientv3.Version("a"), 2},
		{"modification", clientv3.ModRevision("a"), 3},
		{"version of a missing key", clientv3.Version("missing"), 0},
		{"modification of a missing key", clientv3.ModRevision("missing"), 0},
	} {
		for _, value := range []int64{test.want, test.want - 1, test.want + 1} {
			response, err := client.Txn(t.Context()).If(clientv3.Compare(test.cmp, "=", value)).Commit()
			if err != nil || response.Succeeded != (value == test.want) {
				t.Errorf("%s = %d: %v, %v; want %t", test.what, value, response, err, value == test.want)
			}
		}
	}
}

func TestTransactionSeesItself(t *testing.T) {
	_, client := newStore(t, Options{})
	response, err := client.Txn(t.Context()).Then(clientv3.OpPut("a", "1"), clientv3.OpGet("a")).Commit()
	if err != nil {
		t.Fatal(err)
	}
	read := response.Responses[1].GetResponseRange()
	if len(read.Kvs) != 1 || read.Kvs[0].ModRevision != 2 {
		t.Errorf("read %v", read)
	}
	if response, err = client.Txn(t.Context()).Then(clientv3.OpGet("a")).Commit(); err != nil || response.Header.Revision != 2 {
		t.Errorf("a transaction that only reads: %v, %v", response, err)
	}
}

func TestPreviousValues(t *testing.T) {
	_, client := newStore(t, Options{})
	put(t, client, "a", "1")
	written, err := client.Put(t.Context(), "a", "2", clientv3.WithPrevKV())
	if err != nil || written.PrevKv == nil || string(written.PrevKv.Value) != "1" {
		t.Errorf("writing: %v, %v", written, err)
	}
	deleted, err := client.Delete(t.Context(), "a", clientv3.WithPrevKV())
	if err != nil || len(deleted.PrevKvs) != 1 || string(deleted.PrevKvs[0].Value) != "2" {
		t.Errorf("deleting: %v, %v", deleted, err)
	}
}

func TestRangesOfKeys(t *testing.T) {
	_, client := newStore(t, Options{})
	for _, key := range []string{"a", "b", "c", "\xff", "\xff\xff"} {
		put(t, client, key, "value")
	}
	keys := func(kvs []*mvccpb.KeyValue) string {
		var all []string
		for _, kv := range kvs {
			all = append(all, string(kv.Key))
		}
		return strings.Join(all, " ")
	}
	for name, test := range map[string]struct {
		key  string
		opts []clientv3.OpOption
		want string
	}{
		"one":              {"b", nil, "b"},
		"from":             {"c", []clientv3.OpOption{clientv3.WithFromKey()}, "c \xff \xff\xff"},
		"between":          {"a", []clientv3.OpOption{clientv3.WithRange("c")}, "a b"},
		"prefix":           {"\xff", []clientv3.OpOption{clientv3.WithPrefix()}, "\xff \xff\xff"},
		"all":              {"", []clientv3.OpOption{clientv3.WithPrefix()}, "a b c \xff \xff\xff"},
		"end before start": {"c", []clientv3.OpOption{clientv3.WithRange("a")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			response, err := client.KV.Get(t.Context(), test.key, append(test.opts, clientv3.WithKeysOnly())...)
			if err != nil {
				t.Fatal(err)
			}
			if got := keys(response.Kvs); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			for _, kv := range response.Kvs {
				if len(kv.Value) > 0 {
					t.Errorf("%s came with its value", kv.Key)
				}
			}
		})
	}
}

func TestClosedStore(t *testing.T) {
	store, client := newStore(t, Options{})
	store.Close()
	store.Close() // does nothing
	calls := map[string]func(context.Context) error{
		"read":     func(ctx context.Context) error { _, err := client.KV.Get(ctx, "a"); return err },
		"write":    func(ctx context.Context) error { _, err := client.Put(ctx, "a", ""); return err },
		"delete":   func(ctx context.Context) error { _, err := client.Delete(ctx, "a"); return err },
		"compact":  func(ctx context.Context) error { _, err := client.Compact(ctx, 1); return err },
		"progress": client.RequestProgress,
		"state":    func(context.Context) error { return store.Err() },
	}
	for name, call := range calls {
		if err := call(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", name, err)
		}
	}
	ended(t, client.Watch(t.Context(), "a"))
}
