// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"errors"
	"os"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// lockTimeout bounds the wait for bbolt's own lock, which a child process that this process has just forked holds as
// well until it executes its program. Other processes are kept out by the lock of the directory.
const lockTimeout = 2 * time.Second

// openFile opens an existing file and returns its identity. The options say whether it is read-only.
func openFile(path string, options bbolt.Options) (db *bbolt.DB, identity os.FileInfo, err error) {
	var opened *os.File
	options.Timeout = lockTimeout
	options.FreelistType = bbolt.FreelistMapType
	options.OpenFile = func(path string, flag int, mode os.FileMode) (*os.File, error) {
		opened, err = openExisting(path, flag, mode)
		return opened, err
	}
	err = guarded(func() error {
		db, err = bbolt.Open(path, 0o600, &options)
		return err
	})
	if err == nil {
		identity, err = opened.Stat()
	}
	var system syscall.Errno
	switch {
	case err == nil:
		return db, identity, nil
	case errors.Is(err, bbolterrors.ErrTimeout):
		err = errors.New("another program has it open")
	case !errors.Is(err, ErrDamaged) && !errors.As(err, &system):
		err = damaged("%w", err)
	}
	if opened != nil {
		opened.Close() // bbolt leaves it open when it panics
	}
	return nil, nil, err
}

// readFile opens a file, reads from it and closes it. It fails if the file ends before its last page.
func readFile(path string, options bbolt.Options, do func(*bbolt.Tx) error) error {
	options.ReadOnly = true
	db, identity, err := openFile(path, options)
	if err != nil {
		return err
	}
	err = view(db, func(tx *bbolt.Tx) error {
		if identity.Size() < tx.Size() {
			return damaged("it was cut off: it has %d of %d bytes", identity.Size(), tx.Size())
		}
		return do(tx)
	})
	return errors.Join(err, db.Close())
}

// view reads from an open file.
func view(db *bbolt.DB, do func(*bbolt.Tx) error) error {
	return guarded(func() error { return db.View(do) })
}

// openExisting opens a file, but does not create it. bbolt would initialize an empty one.
func openExisting(path string, flag int, mode os.FileMode) (*os.File, error) {
	file, err := os.OpenFile(path, flag&^os.O_CREATE, mode)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = syscall.EISDIR
	case info.Size() == 0:
		err = damaged("it is empty")
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
