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

// step is the number of entries between two checks of the context.
const step = 1024

// load returns the contents of a file. It passes each problem to report, leaves
// the entry out and continues, unless report returns an error.
func load(ctx context.Context, tx *bbolt.Tx, report func(Problem) error) (*mvcc.Snapshot, error) {
	h, err := readHead(tx)
	if err != nil {
		return nil, err
	}
	l := &loading{snapshot: &mvcc.Snapshot{Revision: h.Revision, Compacted: h.Compacted}}
	if err := l.versions(ctx, tx, report); err != nil {
		return nil, err
	}
	if l.entries != h.Entries {
		err := report(Problem{Err: damaged("it has %d entries instead of %d", l.entries, h.Entries)})
		if err != nil {
			return nil, err
		}
	}
	return l.snapshot, nil
}

// stop ends the loading of a file at its first problem.
func stop(problem Problem) error { return problem }

// loading is a snapshot that is being read.
type loading struct {
	snapshot *mvcc.Snapshot
	entries  int64
	last     int64 // the last revision of the history
}

// versions reads the bucket of versions. It stops at an entry that is out of
// order, so that it ends even if pages refer to one another.
func (l *loading) versions(ctx context.Context, tx *bbolt.Tx, report func(Problem) error) error {
	var before []byte
	cursor := tx.Bucket(versionsBucket).Cursor()
	for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
		if l.entries%step == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		l.entries++
		problem := problemOf(key)
		if bytes.Compare(before, key) >= 0 {
			problem.Err = damaged("it is out of order")
			return problem
		}
		before = key
		e, err := decodeEntry(key, value)
		if err == nil {
			err = l.add(e)
		}
		if err != nil {
			problem.Err = err
			if err := report(problem); err != nil {
				return err
			}
		}
	}
	return nil
}

// add adds an entry. Entries come in the order of revisions.
func (l *loading) add(e entry) error {
	rev := e.kv.ModRevision
	switch {
	case rev > l.snapshot.Revision:
		return damaged("the store is at revision %d", l.snapshot.Revision)
	case rev <= l.snapshot.Compacted && e.deleted:
		return damaged("it is a deletion in a compacted revision")
	case rev <= l.snapshot.Compacted:
		l.snapshot.KeyValues = append(l.snapshot.KeyValues, e.kv)
		return nil
	}
	if rev != l.last {
		l.snapshot.History = append(l.snapshot.History, mvcc.Revision{At: e.at})
		l.last = rev
	}
	made := &l.snapshot.History[len(l.snapshot.History)-1]
	made.Events = append(made.Events, e.event())
	return nil
}

// Problem is one inconsistency of a file.
type Problem struct {
	// Key and Revision identify the version concerned; Key is "" if there is none.
	Key      string
	Revision int64
	Err      error
}

// problemOf returns a problem of an entry, which may be invalid.
func problemOf(key []byte) Problem {
	if len(key) <= 8 {
		return Problem{Key: fmt.Sprintf("entry %x", key)}
	}
	return Problem{Key: string(key[8:]), Revision: int64(binary.BigEndian.Uint64(key))}
}

// Error returns the version and the error.
func (p Problem) Error() string {
	if p.Key == "" {
		return p.Err.Error()
	}
	return fmt.Sprintf("%s in revision %d: %v", p.Key, p.Revision, p.Err)
}

// Unwrap returns the error.
func (p Problem) Unwrap() error { return p.Err }
