// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"tilt.dev/session/pkg/storage/mvcc"
)

// Progress is told how many entries of how many are done. It is called now
// and then by the goroutine that does them, and doesn't block. It may be nil.
type Progress func(done, total int64)

// step is how many entries are done between two looks at the context.
const step = 1024

func (p Progress) tell(done, total int64) {
	if p != nil {
		p(done, total)
	}
}

// walk visits the entries of the bucket of versions in order. One that can't
// be decoded comes with an error.
func walk(ctx context.Context, tx *bbolt.Tx, total int64, progress Progress, visit func(key []byte, e entry, err error) error) error {
	var done int64
	var before []byte
	cursor := tx.Bucket(versionsBucket).Cursor()
	for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
		if done%step == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			progress.tell(done, total)
		}
		done++
		e, err := decodeEntry(key, value)
		if err == nil && bytes.Compare(before, key) >= 0 {
			err = damaged("it is not after the one before it")
		}
		if err := visit(key, e, err); err != nil {
			return err
		}
		before = key
	}
	progress.tell(done, total)
	return nil
}

// load returns what a file holds.
func load(ctx context.Context, tx *bbolt.Tx, progress Progress) (head, *mvcc.Snapshot, error) {
	h, err := readHead(tx)
	if err != nil {
		return h, nil, err
	}
	loaded := &loading{snapshot: mvcc.Snapshot{Revision: h.revision, Compacted: h.compacted}}
	err = walk(ctx, tx, h.entries, progress, func(key []byte, e entry, err error) error {
		if err != nil {
			name, rev := nameOf(key)
			return fmt.Errorf("%s in revision %d: %w", name, rev, err)
		}
		return loaded.add(e)
	})
	if err != nil {
		return h, nil, err
	}
	if loaded.entries != h.entries {
		return h, nil, damaged("it has %d entries, and should have %d", loaded.entries, h.entries)
	}
	err = tx.Bucket(leasesBucket).ForEach(func(key, value []byte) error {
		lease, err := decodeLease(key, value)
		if err != nil {
			return fmt.Errorf("lease %x: %w", key, err)
		}
		loaded.snapshot.Leases = append(loaded.snapshot.Leases, lease)
		return nil
	})
	return h, &loaded.snapshot, err
}

// nameOf is the key and the revision that an entry is of, even where it isn't
// whole.
func nameOf(key []byte) (name string, rev int64) {
	if len(key) <= 8 {
		return fmt.Sprintf("entry %x", key), 0
	}
	return string(key[8:]), int64(binary.BigEndian.Uint64(key))
}

// loading is a snapshot as far as it was read.
type loading struct {
	snapshot mvcc.Snapshot
	entries  int64
	last     int64 // revision of the history
}

// add takes entries in the order of revisions.
func (l *loading) add(e entry) error {
	l.entries++
	rev := e.kv.ModRevision
	if rev <= l.snapshot.Compacted {
		if e.deleted {
			return damaged("%q is deleted in revision %d, which is forgotten", e.kv.Key, rev)
		}
		l.snapshot.KeyValues = append(l.snapshot.KeyValues, e.kv)
		return nil
	}
	if rev != l.last || len(l.snapshot.History) == 0 {
		l.snapshot.History = append(l.snapshot.History, mvcc.Revision{At: e.at})
		l.last = rev
	}
	made := &l.snapshot.History[len(l.snapshot.History)-1]
	made.Events = append(made.Events, e.event())
	return nil
}
