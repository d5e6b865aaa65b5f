// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tilt.dev/session/pkg/storage/bolt"
)

// TestSmallDisk uses a file system that is full, then read-only.
func TestSmallDisk(t *testing.T) {
	ownMounts := &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	if !runAlone(t, ownMounts, "user namespaces are not available") {
		return
	}
	disk := t.TempDir()
	if err := unix.Mount("none", disk, "tmpfs", 0, "size=2m"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	remount := func(flags uintptr) {
		eventually(t, "the disk is remounted", func() bool {
			err := unix.Mount("none", disk, "", unix.MS_REMOUNT|flags, "size=2m")
			if err != nil && !errors.Is(err, unix.EBUSY) { // the file may be open for a moment
				t.Fatal(err)
			}
			return err == nil
		})
	}
	filler := filepath.Join(disk, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(disk, "data")
	backend := openFile(t, dir)
	pods, _ := openPods(t, backend, nil)
	checkFull(t, backend, pods, func() {
		remount(unix.MS_RDONLY)
		eventually(t, "the backend reports a read-only file system", func() bool {
			return errorHas(health(t.Context(), backend), "read-only file system (remount it writable")
		})
		remount(0)
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	})
	if err := backend.Close(); err != nil {
		t.Fatal(err)
	}

	remount(unix.MS_RDONLY)
	for _, place := range []string{dir, filepath.Join(disk, "new")} {
		if _, err := NewFile(fileConfig(place)); err == nil || !strings.Contains(err.Error(), "read-only file system (remount it writable, or choose another") || !strings.Contains(err.Error(), place) {
			t.Errorf("at the start: %v", err)
		}
	}
	// The compaction fails before it creates a file, so that no second error follows.
	if _, _, err := bolt.Compact(t.Context(), dir); err == nil || strings.Count(err.Error(), "read-only") != 1 {
		t.Errorf("compacting: %v", err)
	}
	remount(0)
	again, _ := openPods(t, openFile(t, dir), nil)
	if _, err := createPod(t, again, "last", 0); err == nil {
		t.Error("an object written after space was freed is missing after a restart")
	}
}
