// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"errors"
	"os"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// openFile opens a file that exists. It tells which one that is, which a name
// doesn't.
func openFile(path string, readOnly bool) (db *bbolt.DB, identity os.FileInfo, err error) {
	var opened *os.File
	err = guarded(func() error {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout:      time.Nanosecond, // of waiting for other programs' locks
			ReadOnly:     readOnly,
			FreelistType: bbolt.FreelistMapType,
			OpenFile: func(path string, flag int, mode os.FileMode) (*os.File, error) {
				file, err := os.OpenFile(path, flag&^os.O_CREATE, mode)
				if err != nil {
					return nil, err
				}
				opened = file
				return file, checkSound(file)
			},
		})
		return err
	})
	if err == nil {
		identity, err = opened.Stat()
	}
	switch {
	case err == nil:
		return db, identity, nil
	case errors.Is(err, bbolterrors.ErrTimeout):
		err = errors.New("another program has it open")
	case errors.Is(err, bbolterrors.ErrInvalid), errors.Is(err, bbolterrors.ErrChecksum), errors.Is(err, bbolterrors.ErrVersionMismatch):
		err = damaged("%w", err)
	}
	if opened != nil {
		opened.Close() // what bbolt leaves open when it panics
	}
	return nil, nil, err
}

// view reads from a file.
func view(db *bbolt.DB, do func(*bbolt.Tx) error) error {
	return guarded(func() error { return db.View(do) })
}
