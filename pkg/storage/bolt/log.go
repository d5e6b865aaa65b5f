// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"tilt.dev/session/pkg/storage/mvcc"
)

// Log writes a store's changes to a file. It holds the lock of the directory
// from Open to Close, and is used by one goroutine at a time.
type Log struct {
	path string
	lock *lock
	// db is nil after a failure, until what was written is certain again.
	db *bbolt.DB
	// identity is that of the file which was opened.
	identity os.FileInfo
	// head and transaction are the last ones that were acknowledged.
	head        head
	transaction uint64
	// wanting is how much room there has to be before all is well.
	wanting int
	// commit makes a transaction durable; tests let it fail.
	commit func(*bbolt.Tx) error
}

var _ mvcc.Log = (*Log)(nil)

// Open locks a directory, makes what isn't there of it and its file, and
// returns what the file holds. The directory is for its owner only if it is
// made. An error tells what is in the way.
func Open(dir string) (*Log, *mvcc.Snapshot, error) {
	if err := makeDirectory(dir); err != nil {
		return nil, nil, err
	}
	held, err := acquire(dir)
	if err != nil {
		return nil, nil, err
	}
	l := &Log{path: filepath.Join(dir, fileName), lock: held, commit: (*bbolt.Tx).Commit}
	snapshot, err := l.open()
	if err != nil {
		return nil, nil, errors.Join(err, held.release())
	}
	return l, snapshot, nil
}

func (l *Log) open() (*mvcc.Snapshot, error) {
	if err := clearAway(partial(l.path)); err != nil {
		return nil, fmt.Errorf("storage: removing what is left of %s.new: %w", l.path, remedied(err))
	}
	if _, err := os.Stat(l.path); errors.Is(err, fs.ErrNotExist) {
		if err := create(context.Background(), l.path, &mvcc.Snapshot{Revision: 1}, nil); err != nil {
			return nil, err
		}
	}
	db, identity, err := openFile(l.path, false)
	if err != nil {
		return nil, unreadable(l.path, err)
	}
	var snapshot *mvcc.Snapshot
	err = view(db, func(tx *bbolt.Tx) (err error) {
		l.transaction = uint64(tx.ID())
		l.head, snapshot, err = load(context.Background(), tx, nil)
		return err
	})
	if err != nil {
		return nil, errors.Join(unreadable(l.path, err), db.Close())
	}
	l.db, l.identity = db, identity
	return snapshot, nil
}

// Close closes the file, then unlocks the directory.
func (l *Log) Close() error {
	return errors.Join(l.shut(), l.lock.release())
}

// shut closes the file, if it is open.
func (l *Log) shut() error {
	if l.db == nil {
		return nil
	}
	db := l.db
	l.db = nil
	return guarded(db.Close)
}

// reopen makes certain that the file holds what was acknowledged and nothing
// else, and opens it again.
func (l *Log) reopen() error {
	if err := l.undo(); err != nil {
		return err
	}
	db, _, err := openFile(l.path, false)
	if err != nil {
		return err
	}
	err = view(db, func(tx *bbolt.Tx) error {
		found, err := readHead(tx)
		if err == nil && found != l.head {
			err = damaged("it is at revision %d, and %d was the last one written", found.revision, l.head.revision)
		}
		return err
	})
	if err != nil {
		return errors.Join(err, db.Close())
	}
	l.db = db
	return nil
}

// undo invalidates the transaction that failed, as far as it got.
func (l *Log) undo() error {
	if err := l.checkPlace(); err != nil {
		return err
	}
	file, err := os.OpenFile(l.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	return takeBack(file, l.transaction)
}

// checkPlace finds out whether the file is still there. To one that isn't,
// everything could be written, and nothing would be found again.
func (l *Log) checkPlace() error {
	found, err := os.Stat(l.path)
	if err != nil {
		return err
	}
	if !os.SameFile(found, l.identity) {
		return fmt.Errorf("it was replaced while it was in use; put the one before back, or restart")
	}
	return nil
}
