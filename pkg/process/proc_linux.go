// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// A command that was being launched when the Runner died has no variables until
// its program executes. So killMarked repeats its search after pauses.
const (
	quietSearches   = 3
	betweenSearches = 10 * time.Millisecond
	maxSearches     = 200
)

// killMarked kills every process with the variable in its environment, until a few searches in a row have found none.
func killMarked(marker string) {
	refused := map[int]bool{}
	for search, quiet := 0, 0; search < maxSearches && quiet < quietSearches; search++ {
		quiet++
		for _, proc := range allProcesses() {
			if proc.PID == os.Getpid() || refused[proc.PID] || !environHas(proc, marker+"=", "") {
				continue
			}
			if err := unix.Kill(proc.PID, unix.SIGKILL); err != nil {
				refused[proc.PID] = true
				continue
			}
			quiet = 0
		}
		time.Sleep(betweenSearches)
	}
}

// isZombie reports whether a process has ended and waits to be reaped.
func isZombie(stat procfs.ProcStat) bool { return strings.Contains("ZX", stat.State) }

// readStat returns a process and its state.
func readStat(pid int) (procfs.Proc, procfs.ProcStat, error) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return proc, procfs.ProcStat{}, err
	}
	stat, err := proc.Stat()
	return proc, stat, err
}

// awaitEnviron waits until a process isn't in the middle of an exec, during
// which it has neither arguments nor an environment. It gives up after a while.
func awaitEnviron(proc procfs.Proc) {
	for pause := firstLook; pause < 5*slowLook; pause *= 2 {
		if arguments, err := proc.CmdLine(); err != nil || len(arguments) > 0 {
			return
		}
		if stat, err := proc.Stat(); err != nil || isZombie(stat) {
			return
		}
		time.Sleep(pause)
	}
}

// environHas reports whether the environment with which a process was started has an entry that begins with prefix
// and ends with value, or any value if that is empty. It is false for processes of other users, and for those that
// have overwritten their environment.
func environHas(proc procfs.Proc, prefix, value string) bool {
	environ, err := proc.Environ()
	if err != nil {
		return false
	}
	for _, entry := range environ {
		if got, ok := strings.CutPrefix(entry, prefix); ok && (value == "" || got == value) {
			return true
		}
	}
	return false
}

// childProcesses returns the children of this process that it adopted, and some of those that it started. The kernel
// hands orphans to the first thread. Where it doesn't list the children of a thread, all children are returned.
func childProcesses() []int {
	self := os.Getpid()
	// procfs doesn't read this list, and to find children by their parent takes a look at every process.
	list, err := os.ReadFile(procfs.DefaultMountPoint + "/self/task/" + strconv.Itoa(self) + "/children")
	if errors.Is(err, os.ErrNotExist) {
		return childrenOf(self)
	}
	var children []int
	for _, text := range strings.Fields(string(list)) {
		if pid, err := strconv.Atoi(text); err == nil {
			children = append(children, pid)
		}
	}
	return children
}

func childrenOf(parent int) []int {
	var children []int
	for _, proc := range allProcesses() {
		if stat, err := proc.Stat(); err == nil && stat.PPID == parent {
			children = append(children, proc.PID)
		}
	}
	return children
}

// allProcesses returns the processes that this one can see, none without /proc.
func allProcesses() []procfs.Proc {
	all, _ := procfs.AllProcs()
	return all
}

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
