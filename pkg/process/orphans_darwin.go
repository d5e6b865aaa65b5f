// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// awaitExit waits for the end of a child without reaping it. If no file descriptor is left, it tries again.
func awaitExit(pid int) {
	for {
		queue, err := unix.Kqueue()
		if err == nil {
			_ = awaitEvent(queue, pid, nil)
			_ = unix.Close(queue) // It is empty.
			return
		}
		time.Sleep(slowLook)
	}
}

// hasExited reports whether a child has ended, without reaping it.
func hasExited(pid int) bool {
	queue, err := unix.Kqueue()
	if err != nil {
		return false
	}
	defer unix.Close(queue)
	return awaitEvent(queue, pid, &unix.Timespec{})
}

// awaitEvent waits until a child has ended or the timeout is over, and reports whether the child has ended. A nil
// timeout means no limit. An error means that the system doesn't list the process, so it has ended.
func awaitEvent(queue, pid int, timeout *unix.Timespec) bool {
	exit := []unix.Kevent_t{{
		Ident:  uint64(pid),
		Filter: unix.EVFILT_PROC,
		Flags:  unix.EV_ADD | unix.EV_ONESHOT,
		Fflags: unix.NOTE_EXIT,
	}}
	for {
		n, err := unix.Kevent(queue, exit, make([]unix.Kevent_t, 1), timeout)
		if !errors.Is(err, unix.EINTR) {
			return n > 0 || err != nil
		}
	}
}

// onlyZombies is always false: launchd reaps orphans at once.
func onlyZombies(int) bool { return false }

// killMarked does nothing: other processes' environments can't be read reliably.
func killMarked(string) {}

// orphans is always nil: this system hands no orphaned descendants over.
type orphans struct{}

func adoptOrphans(*Runner) (*orphans, error) { return nil, nil }

func (*orphans) endOf(*Process) {}

func (*orphans) end() {}
