// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"tilt.dev/session/pkg/cli/command"
)

// createLog creates the file for the output of a run in the background, which its owner alone can read. The run holds
// a lock of it while it lives, and removes it at its end. createLog removes the files of runs that were killed. The
// lock of the directory keeps others from seeing a file before it is locked.
func createLog() (*os.File, error) {
	state, err := command.StateDir(os.Getenv)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(state, "detached")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	old, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range old {
		if strings.HasSuffix(entry.Name(), ".log") {
			removeUnlocked(filepath.Join(dir, entry.Name()))
		}
	}
	log, err := os.CreateTemp(dir, "up-*.log")
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(log.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, log.Close(), os.Remove(log.Name()))
	}
	return log, nil
}

// removeUnlocked removes the file of a run that has ended. One that can't be removed stays for the next time.
func removeUnlocked(path string) {
	file, err := os.Open(path)
	if err != nil {
		return
	}
	defer file.Close()
	if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
		_ = os.Remove(path)
	}
}

// maxLog is how many bytes of output the file of a run in the background holds at most.
const maxLog = 64 << 20

// boundedLog empties a file that becomes larger than limit before it writes to it. It drops what it can't write,
// as a full disk is no reason to end a run. The lines that are lost can still be read from the API, as far as that
// keeps them.
type boundedLog struct {
	file        *os.File
	size, limit int64
}

func (b *boundedLog) Write(p []byte) (int, error) {
	if b.size += int64(len(p)); b.size > b.limit {
		if _, err := b.file.Seek(0, io.SeekStart); err == nil {
			_ = b.file.Truncate(0)
		}
		b.size = int64(len(p))
	}
	_, _ = b.file.Write(p)
	return len(p), nil
}
