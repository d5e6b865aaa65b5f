// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"os"
	"os/signal"
	"slices"
	"strconv"
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
