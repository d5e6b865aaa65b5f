// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"bytes"

	"go.etcd.io/etcd/api/v3/mvccpb"
)

// keyRange is a set of keys as in etcd's requests: the key alone if end is
// empty, all keys from it on if end is "\x00", otherwise [key, end).
type keyRange struct {
	key, end []byte
}

func (r keyRange) single() bool { return len(r.end) == 0 }

func (r keyRange) unbounded() bool { return len(r.end) == 1 && r.end[0] == 0 }

func (r keyRange) contains(key []byte) bool {
	switch {
	case r.single():
		return bytes.Equal(key, r.key)
	case r.unbounded():
		return bytes.Compare(key, r.key) >= 0
	default:
		return bytes.Compare(key, r.key) >= 0 && bytes.Compare(key, r.end) < 0
	}
}

// ascend calls visit for each key of a tree in the range, in order, until visit returns false.
func (r keyRange) ascend(t *tree, visit func(*mvccpb.KeyValue) bool) {
	from := &mvccpb.KeyValue{Key: r.key}
	switch {
	case r.single():
		if kv, ok := t.Get(from); ok {
			visit(kv)
		}
	case r.unbounded():
		t.AscendGreaterOrEqual(from, visit)
	default:
		t.AscendRange(from, &mvccpb.KeyValue{Key: r.end}, visit)
	}
}
