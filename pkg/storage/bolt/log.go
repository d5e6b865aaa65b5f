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

// Log writes the changes of a store to a file. It holds the lock of the
// directory from Open to Close, and is used by one goroutine at a time.
type Log struct {
	path string
	lock *lock
	// db is nil from a failure until Reopen has succeeded.
	db *bbolt.DB
	// identity, head and transaction are those of the open file after its last acknowledged commit.
	identity    os.FileInfo
	head        head
	transaction uint64
	// rewritten is true from the rewriting of a file with a failed commit until Reopen reports it.
	rewritten bool
	// needed is the space that a commit has lacked, until Reopen has found as much; otherwise it is 0.
	needed int64
	// commit commits a transaction; tests replace it.
	commit func(*bbolt.Tx) error
}

var _ mvcc.Log = (*Log)(nil)

// Open locks a directory, creates it and its file if they don't exist, and
// returns the contents of the file. It creates directories for their owner only.
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
		return nil, nil, errors.Join(err, l.Close())
	}
	return l, snapshot, nil
}

func (l *Log) open() (*mvcc.Snapshot, error) {
	if err := removePending(l.path); err != nil {
		return nil, fmt.Errorf("storage: removing unfinished files beside %s: %w", l.path, withAdvice(err))
	}
	if _, err := os.Stat(l.path); errors.Is(err, fs.ErrNotExist) {
		if err := create(context.Background(), l.path, &mvcc.Snapshot{Revision: 1}); err != nil {
			return nil, err
		}
	}
	snapshot, err := read(context.Background(), l.path)
	if err != nil {
		return nil, err
	}
	if err := l.attach(); err != nil {
		return nil, unreadable(l.path, err)
	}
	return snapshot, nil
}

// attach opens the file for writing.
func (l *Log) attach() error {
	db, identity, err := openFile(l.path, bbolt.Options{})
	if err != nil {
		return err
	}
	l.db, l.identity = db, identity
	return view(db, func(tx *bbolt.Tx) (err error) {
		l.transaction = uint64(tx.ID())
		l.head, err = readHead(tx)
		return err
	})
}

// Reopen implements mvcc.Log.
func (l *Log) Reopen() (held bool, err error) {
	held, err = l.reopen()
	if err != nil {
		return false, errors.Join(unwritable(l.path, err), l.detach())
	}
	return held, nil
}

func (l *Log) reopen() (held bool, err error) {
	if l.needed > 0 {
		if err := l.probe(); err != nil {
			return false, err
		}
	}
	if !l.rewritten {
		if err := l.resolve(); err != nil {
			return false, err
		}
	}
	if l.rewritten {
		if err := syncDirectory(filepath.Dir(l.path)); err != nil {
			return false, err
		}
	}
	if err := l.attach(); err != nil {
		return false, err
	}
	held, l.rewritten, l.needed = l.rewritten, false, 0
	return held, nil
}

// resolve finds out whether the file has the transaction that failed, and rewrites the file in that case.
func (l *Log) resolve() error {
	if err := l.checkPlace(); err != nil {
		return err
	}
	var snapshot *mvcc.Snapshot
	err := readFile(l.path, bbolt.Options{}, func(tx *bbolt.Tx) (err error) {
		switch uint64(tx.ID()) {
		case l.transaction:
			return nil
		case l.transaction + 1:
			snapshot, err = load(context.Background(), tx, stop)
			return err
		}
		return damaged("it is at transaction %d, and %d was the last acknowledged one", tx.ID(), l.transaction)
	})
	if err != nil || snapshot == nil {
		return err
	}
	err = create(context.Background(), l.path, snapshot)
	// After the rename only the sync of the directory can have failed, which reopen repeats.
	l.rewritten = err == nil || errors.Is(l.checkPlace(), errReplaced)
	if l.rewritten {
		return nil
	}
	return err
}

// Close closes the file, then unlocks the directory.
func (l *Log) Close() error {
	return errors.Join(l.detach(), l.lock.release())
}

// detach closes the file, if it is open.
func (l *Log) detach() error {
	if l.db == nil {
		return nil
	}
	db := l.db
	l.db = nil
	return guarded(db.Close)
}

var errReplaced = errors.New("it was replaced while in use; put the original file back, or restart")

// checkPlace verifies that the path still names the open file. Changes of a
// file that was removed or replaced would be lost.
func (l *Log) checkPlace() error {
	found, err := os.Stat(l.path)
	if err != nil {
		return err
	}
	if !os.SameFile(found, l.identity) {
		return errReplaced
	}
	return nil
}
