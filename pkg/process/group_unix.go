// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package process

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalGroup sends a signal to every process of a group. It fails only if the
// group is empty or belongs to another user, and the caller can't handle either.
func signalGroup(group int, signal syscall.Signal) {
	_ = unix.Kill(-group, signal)
}

// groupGone reports whether a group has no member that this process may signal. Zombies are members.
func groupGone(group int) bool {
	return unix.Kill(-group, 0) != nil
}

// reapGroup reaps the members of a group that have ended and are children of this process. It doesn't wait for the
// others, because a member that leaves the group would never end that wait.
func reapGroup(group int) {
	for {
		pid, err := unix.Wait4(-group, nil, unix.WNOHANG, nil)
		if !errors.Is(err, unix.EINTR) && (err != nil || pid == 0) {
			return
		}
	}
}
