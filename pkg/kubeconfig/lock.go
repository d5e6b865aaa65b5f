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
	// lockTimeout is how long others may keep the lock: it's held for no longer
	// than a file's reading and writing take.
	lockTimeout = 10 * time.Second
	// lockRetry is the time between two tries for a lock that's held. The
	// system's own way to wait for it can't be given up.
	lockRetry = 5 * time.Millisecond
)

// lock takes the lock that goes with File, whose directory is made if it's
// missing. The lock ends with the process at the latest. Its file stays if it was
// there before, as Tilt's does; else it's removed, as kubectl takes any such file
// for a lock that somebody holds.
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
			return nil, fmt.Errorf("lock %s, which another process holds: %w", path, err)
		case err != nil:
			return nil, fmt.Errorf("lock the kubeconfig: %w", err)
		}
		return unlock, nil
	}
}

// errRemoved is the error of a lock whose file somebody has removed meanwhile, so
// that others can have it as well.
var errRemoved = errors.New("the lock file was removed")

// tryLock waits for the lock that is in the file now.
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

// create makes an empty file unless one is there, and says whether it has.
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

// isAt says whether the lock is the one that others find.
func isAt(held *flock.Flock, path string) bool {
	mine, err := held.Stat()
	if err != nil {
		return false
	}
	present, err := os.Stat(path)
	return err == nil && os.SameFile(mine, present)
}
