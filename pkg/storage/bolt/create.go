// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"

	"tilt.dev/session/pkg/storage/mvcc"
)

// batch is how many bytes of values one transaction of a new file has.
const batch = 8 << 20

// create writes a snapshot to a new file and atomically replaces the existing one with it.
func create(ctx context.Context, path string, from *mvcc.Snapshot) error {
	err := replace(ctx, path, from)
	if err != nil {
		return fmt.Errorf("storage: making %s: %w", path, withAdvice(err))
	}
	return nil
}

func replace(ctx context.Context, path string, from *mvcc.Snapshot) (err error) {
	if err := removePending(path); err != nil {
		return err
	}
	pending, err := renameio.NewPendingFile(
		path,
		renameio.WithTempDir(filepath.Dir(path)),
		renameio.WithStaticPermissions(0o600),
	)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pending.Cleanup()) }()
	db, err := bbolt.Open(pending.Name(), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, NoSync: true})
	if err != nil {
		return err
	}
	err = fillFile(ctx, db, from)
	var size int64
	if err == nil {
		err = db.View(func(tx *bbolt.Tx) error { size = tx.Size(); return nil })
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	// bbolt grows a file by more than it uses.
	if err := pending.Truncate(size); err != nil {
		return err
	}
	if err := pending.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// removePending removes the files that a killed process has left unfinished.
func removePending(path string) error {
	dir, name := filepath.Split(path)
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "."+name) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, entry.Name())))
		}
	}
	return err
}

// fillFile writes a snapshot to a new file. The file need not be durable, nor
// made in one transaction, because it is renamed only when it is complete.
func fillFile(ctx context.Context, db *bbolt.DB, from *mvcc.Snapshot) error {
	entries := entriesOf(from)
	err := db.Update(func(tx *bbolt.Tx) error {
		if err := initialize(tx); err != nil {
			return err
		}
		return writeHead(tx, head{from.Revision, from.Compacted, int64(len(entries))})
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
	}
	return err
}

// entriesOf returns the entries of a snapshot in the order of the file.
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
