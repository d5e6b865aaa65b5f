// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	// lockTimeout is the longest wait for the lock. A holder needs it only while it reads and writes a file.
	lockTimeout = 10 * time.Second
	// lockRetry is the pause between two attempts. The system's own blocking lock can't be canceled.
	lockRetry = 5 * time.Millisecond
)

// lock takes the lock of File, and creates its directory if it is missing. The lock ends with the process at the
// latest. Unlocking keeps a lock file that existed before, as Tilt does, and removes one that lock created, because
// kubectl takes any such file for a held lock.
func (l Location) lock(ctx context.Context) (unlock func() error, err error) {
	path := l.File() + ".lock"
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("create the directory of the kubeconfig: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	for {
		unlock, err := tryLock(ctx, path)
		switch {
		case errors.Is(err, errRemoved):
			continue
		case errors.Is(err, context.DeadlineExceeded):
			return nil, fmt.Errorf("lock %s: another process holds the lock: %w", path, err)
		case err != nil:
			return nil, fmt.Errorf("lock the kubeconfig: %w", err)
		}
		return unlock, nil
	}
}

// errRemoved means that the file of a lock was removed meanwhile, so that another
// process can lock a new file of that name.
var errRemoved = errors.New("the lock file was removed")

// tryLock waits for the lock of the present file.
func tryLock(ctx context.Context, path string) (unlock func() error, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	made, err := create(path)
	if err != nil {
		return nil, err
	}
	held := flock.New(path, flock.SetFlag(os.O_RDONLY))
	if _, err := held.TryLockContext(ctx, lockRetry); errors.Is(err, fs.ErrNotExist) {
		return nil, errRemoved
	} else if err != nil {
		return nil, err
	}
	if !isAt(held, path) {
		return nil, errors.Join(errRemoved, held.Unlock())
	}
	return func() error {
		var removed error
		if made {
			removed = os.Remove(path)
		}
		return errors.Join(removed, held.Unlock())
	}, nil
}

// create creates an empty file unless it exists, and reports whether it did.
func create(path string) (made bool, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, file.Close()
}

// isAt reports whether path still is the locked file.
func isAt(held *flock.Flock, path string) bool {
	mine, err := held.Stat()
	if err != nil {
		return false
	}
	present, err := os.Stat(path)
	return err == nil && os.SameFile(mine, present)
}
