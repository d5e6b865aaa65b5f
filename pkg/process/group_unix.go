// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package process

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalGroup sends a signal to every process of a group. It can fail only
// because the group is empty or belongs to another user; neither is something
// that could be acted on.
func signalGroup(group int, signal syscall.Signal) {
	_ = unix.Kill(-group, signal)
}

// groupGone says whether a group has no member that this process may signal.
// Zombies are members.
func groupGone(group int) bool {
	return unix.Kill(-group, 0) != nil
}

// reapGroup waits for the members of a group that are children of this process,
// and returns when there are none.
func reapGroup(group int) {
	for {
		_, err := unix.Wait4(-group, nil, 0, nil)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
