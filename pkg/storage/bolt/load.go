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

// Progress receives how many entries of how many are done. The working goroutine
// calls it now and then; it must not block. It may be nil.
type Progress func(done, total int64)

// step is the number of entries between two checks of the context.
const step = 1024

func (p Progress) report(done, total int64) {
	if p != nil {
		p(done, total)
	}
}

// walk visits the entries of the bucket of versions. It passes an error for each
// that cannot be decoded. It stops at the first that is out of order, so that it
// ends even if pages refer to one another.
func walk(ctx context.Context, tx *bbolt.Tx, total int64, progress Progress, visit func(key []byte, e entry, err error) error) error {
	var done int64
	var before []byte
	cursor := tx.Bucket(versionsBucket).Cursor()
	for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
		if done%step == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			progress.report(done, total)
		}
		done++
		if bytes.Compare(before, key) >= 0 {
			name, rev := nameOf(key)
			return damaged("%s in revision %d is out of order", name, rev)
		}
		e, err := decodeEntry(key, value)
		if err := visit(key, e, err); err != nil {
			return err
		}
		before = key
	}
	progress.report(done, total)
	return nil
}

// load returns the contents of a file.
func load(ctx context.Context, tx *bbolt.Tx, progress Progress) (*mvcc.Snapshot, error) {
	h, err := readHead(tx)
	if err != nil {
		return nil, err
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
		return nil, err
	}
	if loaded.entries != h.entries {
		return nil, damaged("it has %d entries instead of %d", loaded.entries, h.entries)
	}
	return &loaded.snapshot, loaded.addLeases(tx, func(err error) error { return err })
}

// nameOf returns the key and the revision of an entry, even if the entry is
// invalid.
func nameOf(key []byte) (name string, rev int64) {
	if len(key) <= 8 {
		return fmt.Sprintf("entry %x", key), 0
	}
	return string(key[8:]), int64(binary.BigEndian.Uint64(key))
}

// loading is a snapshot that is being read.
type loading struct {
	snapshot mvcc.Snapshot
	entries  int64
	last     int64 // the last revision of the history
}

// add adds an entry. Entries come in the order of revisions.
func (l *loading) add(e entry) error {
	l.entries++
	rev := e.kv.ModRevision
	if rev <= l.snapshot.Compacted {
		if e.deleted {
			return damaged("%q is deleted in the compacted revision %d", e.kv.Key, rev)
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

// addLeases adds the leases. It passes the error of an invalid one to report,
// and continues if that returns nil.
func (l *loading) addLeases(tx *bbolt.Tx, report func(error) error) error {
	return tx.Bucket(leasesBucket).ForEach(func(key, value []byte) error {
		lease, err := decodeLease(key, value)
		if err != nil {
			return report(fmt.Errorf("lease %x: %w", key, err))
		}
		l.snapshot.Leases = append(l.snapshot.Leases, lease)
		return nil
	})
}
