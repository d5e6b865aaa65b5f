// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// awaitExit returns when a child has ended, and leaves it to be reaped. While the
// system has no file descriptor to spare, it tries again.
func awaitExit(pid int) {
	for {
		queue, err := unix.Kqueue()
		if err == nil {
			awaitEvent(queue, pid)
			_ = unix.Close(queue) // There's nothing in it.
			return
		}
		time.Sleep(slowLook)
	}
}

// awaitEvent returns when a child has ended. That it's gone from the list of
// processes that run means the same.
func awaitEvent(queue, pid int) {
	exit := []unix.Kevent_t{{
		Ident:  uint64(pid),
		Filter: unix.EVFILT_PROC,
		Flags:  unix.EV_ADD | unix.EV_ONESHOT,
		Fflags: unix.NOTE_EXIT,
	}}
	for {
		_, err := unix.Kevent(queue, exit, make([]unix.Kevent_t, 1), nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// onlyZombies is never certain: launchd reaps what is left to it.
func onlyZombies(int) bool { return false }
