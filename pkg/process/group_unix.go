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

// reapGroup reaps the members of a group that have ended and are children of this
// process. It mustn't wait for the others: one that leaves the group meanwhile
// would never wake it.
func reapGroup(group int) {
	for {
		pid, err := unix.Wait4(-group, nil, unix.WNOHANG, nil)
		if !errors.Is(err, unix.EINTR) && (err != nil || pid == 0) {
			return
		}
	}
}
