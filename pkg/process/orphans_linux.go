// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// detachedGrace is the time that detached processes have to end after SIGTERM.
const detachedGrace = 2 * time.Second

// orphans are descendants that became children of this process when their
// parents died. Its methods do nothing on a nil pointer.
type orphans struct {
	runner  *Runner
	session int
	signals chan os.Signal
	quit    chan struct{}
	reaper  sync.WaitGroup
}

// adoptOrphans makes this process the parent of orphans and starts a goroutine that reaps them, which end stops.
func adoptOrphans(r *Runner) (*orphans, error) {
	session, err := unix.Getsid(0)
	if err != nil {
		return nil, err
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, err
	}
	o := &orphans{runner: r, session: session, signals: make(chan os.Signal, 1), quit: make(chan struct{})}
	signal.Notify(o.signals, unix.SIGCHLD)
	o.reaper.Go(o.reap)
	return o, nil
}

// reap reaps orphans as they end.
func (o *orphans) reap() {
	for {
		select {
		case <-o.signals:
			for _, pid := range o.find(func(_ procfs.Proc, stat procfs.ProcStat) bool { return isZombie(stat) }) {
				await(pid)
			}
		case <-o.quit:
			return
		}
	}
}

// endOf kills the orphans of p, and their descendants as they become orphans. It returns when none is left.
func (o *orphans) endOf(p *Process) {
	if o == nil {
		return
	}
	o.kill(func(proc procfs.Proc, stat procfs.ProcStat) bool {
		if stat.Session == p.pid {
			return true
		}
		awaitEnviron(proc)
		return environHas(proc, p.runner.marker+"=", strconv.FormatUint(p.number, 10))
	})
}

// end terminates all orphans, kills those that outlast the grace, and stops
// adopting. The Runner must have no process left.
func (o *orphans) end() {
	if o == nil {
		return
	}
	o.terminate()
	o.kill(func(procfs.Proc, procfs.ProcStat) bool { return true })
	signal.Stop(o.signals)
	close(o.quit)
	o.reaper.Wait()
	// The call can't fail, because the same call with 1 succeeded.
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
}

// terminate sends SIGTERM to each orphan once. It returns when none is left or the grace is over.
func (o *orphans) terminate() {
	terminated := map[int]bool{}
	grace := time.NewTimer(detachedGrace)
	defer grace.Stop()
	for pause := firstLook; ; pause = min(2*pause, slowLook) {
		left := o.find(func(_ procfs.Proc, stat procfs.ProcStat) bool { return !isZombie(stat) })
		if len(left) == 0 {
			return
		}
		for _, pid := range left {
			if !terminated[pid] {
				terminated[pid] = true
				_ = unix.Kill(pid, unix.SIGTERM) // It fails only for processes of other users.
			}
		}
		select {
		case <-grace.C:
			return
		case <-time.After(pause):
		}
	}
}

// kill kills matching orphans until none is left, except for processes of other users. It searches once more after
// it found none, because the list of children may lack some while others are reaped.
func (o *orphans) kill(match func(procfs.Proc, procfs.ProcStat) bool) {
	refused := map[int]bool{}
	for none := 0; none < 2; {
		none++
		found := o.find(func(proc procfs.Proc, stat procfs.ProcStat) bool {
			return !refused[proc.PID] && match(proc, stat)
		})
		for _, pid := range found {
			none = 0
			if err := unix.Kill(pid, unix.SIGKILL); err != nil {
				refused[pid] = true
				continue
			}
			await(pid)
		}
	}
}

// find returns the matching orphans. Each keeps its PID until await.
func (o *orphans) find(match func(procfs.Proc, procfs.ProcStat) bool) []int {
	candidates := slices.DeleteFunc(childProcesses(), o.runner.knows)
	if len(candidates) == 0 {
		return nil
	}
	// A command that was just forked isn't known yet.
	o.runner.launching.Lock()
	candidates = slices.DeleteFunc(candidates, o.runner.knows)
	o.runner.launching.Unlock()
	var found []int
	for _, pid := range candidates {
		if proc, stat, err := readStat(pid); err == nil && stat.Session != o.session && match(proc, stat) {
			found = append(found, pid)
		}
	}
	return found
}

// knows reports whether this Runner started pid, as a command or its guard, and hasn't forgotten it.
func (r *Runner) knows(pid int) bool {
	if r.guard.is(pid) {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.processes[pid] != nil
}

// is reports whether pid is the guard's.
func (g *guardian) is(pid int) bool {
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.process != nil && g.process.Pid == pid
}

// await reaps a child. It returns at once if pid is no child.
func await(pid int) {
	for {
		if _, err := unix.Wait4(pid, nil, 0, nil); err != unix.EINTR {
			return
		}
	}
}

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
