// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A group is checked at once, and then at intervals that grow from firstLook to slowLook, until it is empty.
const (
	firstLook = 200 * time.Microsecond
	slowLook  = 20 * time.Millisecond
)

// supervise follows a process from its start to its end.
func (p *Process) supervise() {
	defer p.runner.followers.Done()
	awaitExit(p.pid)
	// The main process isn't reaped yet, so its PID still identifies this group.
	p.mainExited()
	state, err := p.handle.Wait()
	p.exit = exitOf(state, err)
	p.awaitGroup()
	if p.markGone() {
		p.runner.orphans.endOf(p)
	}
	for _, o := range p.outputs {
		o.finish()
	}
	p.runner.forget(p)
	close(p.done)
}

// mainExited kills the rest of the group, unless the group is being stopped: then
// the other processes have the grace to end.
func (p *Process) mainExited() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exited = true
	if !p.stopped {
		p.kill()
	}
}

// kill kills the group. The caller holds the lock, and the group isn't gone.
func (p *Process) kill() {
	p.killed = true
	signalGroup(p.pid, syscall.SIGKILL)
}

// killAgain kills members that were forked while the group was killed, which some systems allow.
func (p *Process) killAgain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		p.kill()
	}
}

// awaitGroup waits until no process of the group is left.
func (p *Process) awaitGroup() {
	for pause := firstLook; ; pause = min(2*pause, slowLook) {
		reapGroup(p.pid)
		if groupGone(p.pid) || pause == slowLook && onlyZombies(p.pid) {
			return
		}
		p.killAgain()
		time.Sleep(pause)
	}
}

// markGone records that the group is gone, and reports whether it was stopped.
func (p *Process) markGone() (stopped bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	if p.escalation != nil {
		p.escalation.Stop()
	}
	return p.stopped
}

// exitOf is the result of a wait. After an error, which means that other code
// reaped the process, the exit code is unknown.
func exitOf(state *os.ProcessState, err error) Exit {
	if err != nil {
		return Exit{Code: -1, Signal: err.Error()}
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return Exit{Code: -1, Signal: status.Signal().String()}
	}
	return Exit{Code: state.ExitCode()}
}

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
