// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package private

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// temporary begins the names of temporary directories: it is followed by the process and by what makes names unique.
const temporary = "tilt-session-"

// TemporaryDirectory makes a directory for files of this process that only its user can read, below parent, or the
// system's directory for temporary files if that is empty. The caller removes it. Those that processes of this user
// have left there when they were killed are removed now.
func TemporaryDirectory(parent string) (string, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	removeLeftovers(parent)
	return os.MkdirTemp(parent, fmt.Sprintf("%s%d-", temporary, os.Getpid()))
}

// Directory is a temporary directory that is made when it is first needed. The zero value is ready for use. Its methods
// are safe for concurrent use.
type Directory struct {
	mu   sync.Mutex
	path string
}

// Path returns the path of the directory.
func (d *Directory) Path() (path string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.path == "" {
		d.path, err = TemporaryDirectory("")
	}
	return d.path, err
}

// Close removes the directory and what is in it.
func (d *Directory) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return os.RemoveAll(d.path) // Nothing, if it was never made.
}

// removeLeftovers removes directories of processes that have ended. What can't be removed stays.
func removeLeftovers(parent string) {
	paths, _ := filepath.Glob(filepath.Join(parent, temporary+"*-*")) // Only a bad pattern is an error.
	for _, path := range paths {
		process, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), temporary), "-")
		pid, err := strconv.Atoi(process)
		if err != nil || pid <= 0 || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		if info, err := os.Lstat(path); err == nil && info.IsDir() && Owner(info) == os.Geteuid() {
			_ = os.RemoveAll(path) // The next process tries again.
		}
	}
}
