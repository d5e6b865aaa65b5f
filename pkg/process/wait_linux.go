// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"

	"golang.org/x/sys/unix"
)

// awaitExit returns when a child has ended, and leaves it to be reaped.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// onlyZombies says whether every member of a group has ended and only waits to
// be reaped by its own parent. Where /proc can't be read it isn't known.
func onlyZombies(group int) bool {
	pids := allProcesses()
	for _, pid := range pids {
		if s, err := readStat(pid); err == nil && s.group == group && !s.ended() {
			return false
		}
	}
	return len(pids) > 0
}
