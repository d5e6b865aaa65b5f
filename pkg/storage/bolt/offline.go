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

// Read returns what the file of a directory holds. Like all that follows it
// refuses a directory that is in use, and takes until ctx is done at most.
func Read(ctx context.Context, dir string, progress Progress) (*mvcc.Snapshot, error) {
	var snapshot *mvcc.Snapshot
	err := withExisting(dir, func(path string) (err error) {
		snapshot, err = read(ctx, path, progress)
		return err
	})
	return snapshot, err
}

// Compact rewrites the file of a directory without its free pages, and returns
// how many bytes it had and has. If that fails it is as it was.
func Compact(ctx context.Context, dir string, progress Progress) (before, after int64, err error) {
	err = withExisting(dir, func(path string) (err error) {
		if before, err = sizeOfFile(path); err != nil {
			return err
		}
		snapshot, err := read(ctx, path, nil)
		if err != nil {
			return err
		}
		if err := create(ctx, path, snapshot, progress); err != nil {
			return err
		}
		after, err = sizeOfFile(path)
		return err
	})
	return before, after, err
}

// Create makes the file of a directory hold a snapshot. The directory is made,
// if need be; a file that holds anything, or did, is refused. It takes effect
// whole or not at all.
func Create(ctx context.Context, dir string, snapshot *mvcc.Snapshot, progress Progress) (err error) {
	if err := makeDirectory(dir); err != nil {
		return err
	}
	held, err := acquire(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.release()) }()
	path := filepath.Join(dir, fileName)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		there, err := read(ctx, path, nil)
		if err != nil {
			return err
		}
		if there.Revision > 1 {
			return fmt.Errorf("storage: %s isn't empty, it is at revision %d; choose another directory, or move the file away", path, there.Revision)
		}
	}
	return create(ctx, path, snapshot, progress)
}

// withExisting does something with a file that exists, holding the lock of its
// directory.
func withExisting(dir string, do func(path string) error) (err error) {
	path := filepath.Join(dir, fileName)
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("storage: %s holds no storage: %w", dir, err)
	}
	held, err := acquire(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.release()) }()
	return do(path)
}

func read(ctx context.Context, path string, progress Progress) (*mvcc.Snapshot, error) {
	db, _, err := openFile(path, true)
	if err != nil {
		return nil, unreadable(path, err)
	}
	var snapshot *mvcc.Snapshot
	err = view(db, func(tx *bbolt.Tx) (err error) {
		_, snapshot, err = load(ctx, tx, progress)
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, unreadable(path, err)
	}
	return snapshot, nil
}

func sizeOfFile(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("storage: %w", err)
	}
	return info.Size(), nil
}
