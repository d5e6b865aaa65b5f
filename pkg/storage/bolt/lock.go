// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

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
