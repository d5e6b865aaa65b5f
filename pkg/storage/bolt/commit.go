// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"tilt.dev/session/pkg/storage/mvcc"
)

// fill is how full pages become; as revisions are added at the end, little
// gets in between.
const fill = 0.9

// spare is what a commit may take besides its entries: the pages on the way to
// them, with their neighbours.
const spare = 64 << 10

// Commit writes the changes in one transaction. After an error the next call
// first makes certain that nothing of it is left. One without changes succeeds
// if there is room for what failed last.
func (l *Log) Commit(changes mvcc.Changes) error {
	if err := l.write(changes); err != nil {
		l.wanting = max(l.wanting, sizeOf(changes)+spare)
		return errors.Join(unwritable(l.path, err), l.shut())
	}
	l.wanting = 0
	return nil
}

func sizeOf(changes mvcc.Changes) int {
	size := 0
	for _, made := range changes.Made {
		for _, event := range made.Events {
			size += len(event.Kv.Key) + len(event.Kv.Value)
		}
	}
	return size
}

func (l *Log) write(changes mvcc.Changes) error {
	if l.db == nil {
		if err := l.reopen(); err != nil {
			return err
		}
	} else if err := l.checkPlace(); err != nil {
		return err
	}
	next := head{revision: changes.Revision, compacted: changes.Compacted, entries: l.head.entries - int64(len(changes.Forgotten))}
	for _, made := range changes.Made {
		next.entries += int64(len(made.Events))
	}
	var id uint64
	err := guarded(func() error {
		tx, err := l.db.Begin(true)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // which does nothing after a commit
		id = uint64(tx.ID())
		room := 0
		if sizeOf(changes) == 0 {
			room = l.wanting
		}
		if err := errors.Join(apply(tx, changes, next), makeRoom(tx, room)); err != nil {
			return err
		}
		return l.commit(tx)
	})
	if err != nil {
		return err
	}
	l.head, l.transaction = next, id
	return nil
}

// apply makes changes in a transaction.
func apply(tx *bbolt.Tx, changes mvcc.Changes, next head) error {
	versions, leases := tx.Bucket(versionsBucket), tx.Bucket(leasesBucket)
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
			return fmt.Errorf("forgetting %q: %w", version.Key, err)
		}
	}
	for _, lease := range changes.Granted {
		if err := leases.Put(encodeLease(lease)); err != nil {
			return err
		}
	}
	for _, id := range changes.Ended {
		if err := leases.Delete(leaseKey(id)); err != nil {
			return err
		}
	}
	return writeHead(tx, next)
}

// makeRoom takes room in the file for what couldn't be written, for a later
// commit to use, and gives back what was taken before.
func makeRoom(tx *bbolt.Tx, size int) error {
	if size == 0 {
		return tx.Bucket(metaBucket).Delete(roomKey)
	}
	return tx.Bucket(metaBucket).Put(roomKey, make([]byte, size))
}
