// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"

	"tilt.dev/session/pkg/storage/mvcc"
)

// batch is how many bytes of values are written in one transaction of a new
// file.
const batch = 8 << 20

// partial is the name of a file that is in the making.
func partial(path string) string { return path + ".new" }

// create makes a file that holds a snapshot, in place of the one there is. It
// takes effect whole or not at all.
func create(ctx context.Context, path string, from *mvcc.Snapshot, progress Progress) (err error) {
	partial := partial(path)
	defer func() {
		if err != nil {
			err = fmt.Errorf("storage: making %s: %w", path, remedied(err))
			err = errors.Join(err, clearAway(partial))
		}
	}()
	if err := clearAway(partial); err != nil {
		return err
	}
	db, err := bbolt.Open(partial, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, NoSync: true})
	if err != nil {
		return err
	}
	if err := errors.Join(fillFile(ctx, db, from, progress), db.Close()); err != nil {
		return err
	}
	if err := cutOff(partial); err != nil {
		return err
	}
	if err := os.Rename(partial, path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// clearAway removes a file if there is one. A read-only file system wouldn't
// remove one that isn't there either.
func clearAway(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return os.RemoveAll(path)
}

// cutOff takes from the end of a file what bbolt keeps ready for more pages,
// which may be as much as those that there are, and makes the rest durable.
func cutOff(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	metas, _, err := readMetas(file)
	if err != nil {
		return err
	}
	if err := file.Truncate(int64(metas[0].pages) * metas[0].pageSize); err != nil {
		return err
	}
	return file.Sync()
}

// fillFile writes a snapshot to a new file. It needn't be durable until the
// end, and not be made in one transaction.
func fillFile(ctx context.Context, db *bbolt.DB, from *mvcc.Snapshot, progress Progress) error {
	entries := entriesOf(from)
	total := int64(len(entries))
	err := db.Update(func(tx *bbolt.Tx) error {
		if err := initialize(tx); err != nil {
			return err
		}
		for _, lease := range from.Leases {
			if err := tx.Bucket(leasesBucket).Put(encodeLease(lease)); err != nil {
				return err
			}
		}
		return writeHead(tx, head{from.Revision, from.Compacted, total})
	})
	for done := 0; err == nil && done < len(entries); {
		if err = ctx.Err(); err != nil {
			break
		}
		err = db.Update(func(tx *bbolt.Tx) error {
			versions := tx.Bucket(versionsBucket)
			versions.FillPercent = fill
			for size := 0; size < batch && done < len(entries); done++ {
				size += len(entries[done].kv.Value)
				if err := versions.Put(entries[done].encode()); err != nil {
					return err
				}
			}
			return nil
		})
		progress.tell(int64(done), total)
	}
	return err
}

// entriesOf are a snapshot's, in the order of the file.
func entriesOf(from *mvcc.Snapshot) []entry {
	var entries []entry
	byRevision := func(a, b *mvccpb.KeyValue) int { return cmp.Compare(a.ModRevision, b.ModRevision) }
	for _, kv := range slices.SortedFunc(slices.Values(from.KeyValues), byRevision) {
		entries = append(entries, entry{kv: kv})
	}
	for _, made := range from.History {
		for _, event := range made.Events {
			entries = append(entries, newEntry(event, made.At))
		}
	}
	return entries
}
