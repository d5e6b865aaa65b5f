// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// awaitExit waits for the end of a child without reaping it. It blocks no thread
// if the kernel has file descriptors for processes.
func awaitExit(pid int) {
	if err := awaitReadable(pid); err == nil {
		return
	}
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// awaitReadable waits for the end of a child by a file descriptor for it.
func awaitReadable(pid int) error {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return err
	}
	file := os.NewFile(uintptr(fd), "pidfd")
	defer file.Close()
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	return conn.Read(func(uintptr) bool { return hasExited(pid) })
}

// hasExited reports whether a child has ended, without reaping it.
func hasExited(pid int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	return err == nil && info.Signo != 0 || errors.Is(err, unix.ECHILD)
}

// onlyZombies reports whether every member of a group has ended and waits for
// its own parent to reap it. It is false if /proc can't be read.
func onlyZombies(group int) bool {
	all := allProcesses()
	for _, proc := range all {
		if stat, err := proc.Stat(); err == nil && stat.PGRP == group && !isZombie(stat) {
			return false
		}
	}
	return len(all) > 0
}
