// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// From <sys/wait.h>.
const (
	idTypePID = 1
	exited    = 0x4
	noReap    = 0x20
)

// awaitExit returns when a child has ended, and leaves it to be reaped.
func awaitExit(pid int) {
	// The result must have room for a siginfo_t, though nobody reads it.
	var info [16]uint64
	for {
		_, _, errno := unix.Syscall6(unix.SYS_WAITID, idTypePID, uintptr(pid),
			uintptr(unsafe.Pointer(&info)), exited|noReap, 0, 0)
		if !errors.Is(errno, unix.EINTR) {
			return
		}
	}
}

// onlyZombies is never certain: launchd reaps what is left to it.
func onlyZombies(int) bool { return false }
