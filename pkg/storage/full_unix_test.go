// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package storage

import (
	"syscall"
	"testing"
)

const enospc = syscall.ENOSPC

// TestFileAtItsLimit lets the process write no file larger than a limit.
func TestFileAtItsLimit(t *testing.T) {
	dir := t.TempDir()
	backend := openFile(t, dir)
	pods, _ := openPods(t, backend, nil)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limit := func(l syscall.Rlimit) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			t.Fatal(err)
		}
	}
	limit(syscall.Rlimit{Cur: 1 << 20, Max: before.Max})
	defer limit(before)
	checkFull(t, backend, pods, func() { limit(before) })
	if err := backend.Close(); err != nil {
		t.Fatal(err)
	}
	again, _ := openPods(t, openFile(t, dir), nil)
	if _, err := createPod(t, again, "last", 0); err == nil {
		t.Error("what was written with space again isn't there after a restart")
	}
}
