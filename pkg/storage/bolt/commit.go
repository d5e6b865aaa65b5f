// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"tilt.dev/session/pkg/storage/mvcc"
)

// fill is the fill percentage of pages. It is high because revisions are
// appended and little is inserted between them.
const fill = 0.9

// Commit implements mvcc.Log: it writes the changes in one transaction. After an
// error the file is closed until Reopen.
func (l *Log) Commit(changes mvcc.Changes) error {
	allocated, err := l.write(changes)
	if err == nil {
		return nil
	}
	if OutOfSpace(err) {
		l.needed = max(allocated, minProbe)
	}
	return errors.Join(unwritable(l.path, err), l.detach())
}

// write also returns how many bytes of pages the transaction has allocated.
func (l *Log) write(changes mvcc.Changes) (allocated int64, err error) {
	if err := l.checkPlace(); err != nil {
		return 0, err
	}
	next := head{
		Revision: changes.Revision, Compacted: changes.Compacted,
		Entries: l.head.Entries - int64(len(changes.Forgotten)),
	}
	for _, made := range changes.Made {
		next.Entries += int64(len(made.Events))
	}
	err = guarded(func() error {
		tx, err := l.db.Begin(true)
		if err != nil {
			return err
		}
		defer func() {
			stats := tx.Stats()
			allocated = stats.GetPageAlloc()
			_ = tx.Rollback() // does nothing after a commit
		}()
		id := uint64(tx.ID())
		if err := apply(tx, changes, next); err != nil {
			return err
		}
		if err := l.commit(tx); err != nil {
			return err
		}
		l.head, l.transaction = next, id
		return nil
	})
	return allocated, err
}

// minProbe is the least space that probe requires, so that the storage does not flap on a disk that is almost full.
const minProbe = 64 << 10

// probe checks that the file can grow by what the commit that ran out of space has allocated. It writes as much to
// another file, at the offset where the file would grow.
func (l *Log) probe() (err error) {
	info, err := os.Stat(l.path)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(l.path), "."+fileName+"*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	if _, err := file.WriteAt(make([]byte, l.needed), info.Size()); err != nil {
		return cause(err) // without the name of the file, which is another one each time
	}
	return cause(file.Sync())
}

// apply makes changes in a transaction.
func apply(tx *bbolt.Tx, changes mvcc.Changes, next head) error {
	versions := tx.Bucket(versionsBucket)
	versions.FillPercent = fill
	for _, made := range changes.Made {
		for _, event := range made.Events {
			if err := versions.Put(newEntry(event, made.At).encode()); err != nil {
				return fmt.Errorf("storing %q: %w", event.Kv.Key, err)
			}
		}
	}
	for _, version := range changes.Forgotten {
		if err := versions.Delete(versionKey(version.Key, version.Revision)); err != nil {
			return fmt.Errorf("deleting %q: %w", version.Key, err)
		}
	}
	return writeHead(tx, next)
}
