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

// Read returns the contents of the file of a directory. As the other functions
// here, it fails if the directory is in use, and stops when ctx is done.
func Read(ctx context.Context, dir string) (*mvcc.Snapshot, error) {
	var snapshot *mvcc.Snapshot
	err := withExisting(dir, func(path string) (err error) {
		snapshot, err = read(ctx, path)
		return err
	})
	return snapshot, err
}

// Compact rewrites the file of a directory without its free pages, and returns
// its size before and after. If it fails the file is unchanged.
func Compact(ctx context.Context, dir string) (before, after int64, err error) {
	err = withExisting(dir, func(path string) (err error) {
		if before, err = sizeOfFile(path); err != nil {
			return err
		}
		snapshot, err := read(ctx, path)
		if err != nil {
			return err
		}
		if err := create(ctx, path, snapshot); err != nil {
			return err
		}
		after, err = sizeOfFile(path)
		return err
	})
	return before, after, err
}

// Create creates the file of a directory with a snapshot, all or nothing. It creates the directory if needed, and
// fails if a file exists that has ever held anything.
func Create(ctx context.Context, dir string, snapshot *mvcc.Snapshot) (err error) {
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
		there, err := read(ctx, path)
		if err != nil {
			return err
		}
		if there.Revision > 1 {
			return fmt.Errorf(
				"storage: %s is not empty but at revision %d; choose another directory, or move the file away",
				path,
				there.Revision,
			)
		}
	}
	return create(ctx, path, snapshot)
}

// withExisting calls do with an existing file while it holds the lock of the directory.
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

func read(ctx context.Context, path string) (snapshot *mvcc.Snapshot, err error) {
	err = readFile(path, bbolt.Options{}, func(tx *bbolt.Tx) (err error) {
		snapshot, err = load(ctx, tx, stop)
		return err
	})
	if err != nil {
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
