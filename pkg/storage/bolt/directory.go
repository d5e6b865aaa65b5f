// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// fileName is the name of the file in its directory.
const fileName = "storage.db"

// makeDirectory durably creates a directory and its parents.
func makeDirectory(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return fmt.Errorf("storage: %s is not a directory", dir)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("storage: %w", err)
	}
	above := filepath.Dir(dir)
	if err := makeDirectory(above); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("storage: making %s: %w", dir, withAdvice(err))
	}
	return syncDirectory(above)
}

// syncDirectory makes the entries of a directory durable.
func syncDirectory(dir string) error {
	opened, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	defer opened.Close()
	if err := opened.Sync(); err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	return nil
}

// lock is the lock of a data directory.
type lock struct {
	held *flock.Flock
}

// acquire locks an existing directory. Its error names the process that has locked it.
func acquire(dir string) (*lock, error) {
	path := filepath.Join(dir, "lock")
	held := flock.New(path)
	locked, err := held.TryLock()
	if err != nil {
		return nil, fmt.Errorf("storage: locking %s: %w", path, withAdvice(err))
	}
	if !locked {
		return nil, fmt.Errorf("storage: %s is in use by %s; stop it, or choose another directory", dir, holder(path))
	}
	// The name is for error messages only.
	_ = os.WriteFile(path, fmt.Appendf(nil, "process %d (%s)\n", os.Getpid(), filepath.Base(os.Args[0])), 0o600)
	return &lock{held}, nil
}

// holder returns the process that a lock file names.
func holder(path string) string {
	text, err := os.ReadFile(path)
	if name, whole := strings.CutSuffix(string(text), "\n"); err == nil && whole {
		return name
	}
	return "another process"
}

func (l *lock) release() error {
	_ = os.Truncate(l.held.Path(), 0)
	return l.held.Close()
}
