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
			_ = awaitEvent(queue, pid, nil)
			_ = unix.Close(queue) // There's nothing in it.
			return
		}
		time.Sleep(slowLook)
	}
}

// hasExited says whether a child has ended, and leaves it to be reaped.
func hasExited(pid int) bool {
	queue, err := unix.Kqueue()
	if err != nil {
		return false
	}
	defer unix.Close(queue)
	return awaitEvent(queue, pid, &unix.Timespec{})
}

// awaitEvent waits until a child has ended or the time is over, which nil never
// is, and says whether it has. That it's gone from the list of processes that run
// means the same.
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

// onlyZombies is never certain: launchd reaps what is left to it.
func onlyZombies(int) bool { return false }

// killMarked does nothing: other processes' environments can't be read reliably.
func killMarked(string) {}

// orphans is always nil: this system hands no orphaned descendants over.
type orphans struct{}

func adoptOrphans(*Runner) (*orphans, error) { return nil, nil }

func (*orphans) endOf(*Process) {}

func (*orphans) end() {}
