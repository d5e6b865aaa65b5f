// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"os"
	"syscall"
	"time"
)

// Emptiness of a group is looked at without delay first, then at intervals that
// grow from firstLook to slowLook.
const (
	firstLook = 200 * time.Microsecond
	slowLook  = 20 * time.Millisecond
)

// supervise follows a process from its start to its end.
func (p *Process) supervise() {
	defer p.runner.followers.Done()
	awaitExit(p.pid)
	// The main process isn't reaped yet, so its number still means this group.
	p.mainExited()
	state, err := p.handle.Wait()
	p.exit = exitOf(state, err)
	p.awaitGroup()
	stopped := p.settle()
	if stopped {
		p.runner.orphans.endOf(p)
	}
	for _, o := range p.outputs {
		o.finish()
	}
	p.runner.forget(p)
	close(p.done)
}

// mainExited kills what the main process left behind, unless the group is
// being stopped: then the others have their grace too.
func (p *Process) mainExited() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exited = true
	if !p.stopped {
		p.kill()
	}
}

// kill must be called with the lock held, and before the group is gone.
func (p *Process) kill() {
	p.killed = true
	signalGroup(p.pid, syscall.SIGKILL)
}

// killAgain reaches members that were forked while the group was killed, which
// not every system rules out.
func (p *Process) killAgain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		p.kill()
	}
}

// awaitGroup returns when no process of the group is left. It needs no pause
// when there's none to begin with.
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

// settle notes that the group is gone, and tells whether it was stopped.
func (p *Process) settle() (stopped bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	if p.escalation != nil {
		p.escalation.Stop()
	}
	return p.stopped
}

// exitOf reads the result of a wait. An error means that somebody else reaped
// the process; how it ended is lost then.
func exitOf(state *os.ProcessState, err error) Exit {
	if err != nil {
		return Exit{Code: -1, Signal: err.Error()}
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return Exit{Code: -1, Signal: status.Signal().String()}
	}
	return Exit{Code: state.ExitCode()}
}
