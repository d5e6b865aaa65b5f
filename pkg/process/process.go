// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package process runs commands, each as a process group of its own, and ends
// whole groups for certain.
//
// Guarantees, for every command that a Runner started:
//
//   - It leads a session and a process group of its own, reads /dev/null, and
//     writes stdout and stderr into one pipe, whose content reaches
//     Spec.Output to the last byte before Done is closed.
//   - When its main process exits by itself, what is left of the group is
//     killed at once. When it's stopped, the whole group has the grace to end.
//   - Done is closed only when no process of the group is left. Zombies that
//     their own parents don't reap don't count, nor do processes of other users,
//     which can't be signalled.
//   - A descendant that left the group (setsid, setpgid) can't delay Done: once
//     the group is empty, what's in the pipe is read and the pipe is closed.
//
// Descendants that left their group outlive the command that started them, as a
// daemon should. With Options.AdoptOrphans on Linux they are ended as well: those
// of a stopped command together with it, all others by Close. The kernel hands
// them to this process when their parents die, and that's how they're found.
// A detached process is told to belong to a certain command by its session or
// by a variable in its environment; one that has erased both is left to Close.
// On other systems detached processes can't be found and are left alone.
//
// If this process dies without Close, a guard (Options.Guard) kills the groups
// that are left. On Linux it also kills every process with the Runner's variable
// in its environment, which includes the ones that were being started at that moment.
// Not caught are detached processes that erased their environment and, on
// other systems than Linux, detached processes at all and a command that was
// launched in the last few microseconds.
//
// A command that runs takes two goroutines and up to three file descriptors, and
// memory for its output only while there is some.
package process

import (
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// Spec is what is to be run.
type Spec struct {
	// Argv is the program and its arguments, at least one. A program without
	// a slash is looked up in the PATH of Env; a relative path, also one in PATH, is
	// relative to Dir.
	Argv []string
	// Dir is the working directory, empty for that of this process.
	Dir string
	// Env is the complete environment as "KEY=value" entries, the last one of
	// a key wins. One variable is added to it, by which processes that left their
	// group can be recognised.
	Env []string
	// Output gets stdout and stderr, as they come, in pieces of at most 32 KiB.
	// Write is never called concurrently for one process and not after Done. While
	// it blocks, so does the command once the pipe is full, and Done is delayed. After
	// an error of Write the remaining output is read and thrown away. Nil throws
	// all away.
	Output io.Writer
	// Stderr, if set, gets stderr in Output's place, by the same rules. Both
	// may be called at the same time.
	Stderr io.Writer
	// Stdin is what the command reads, nil for nothing. The caller closes it.
	Stdin *os.File
}

// Exit is how a main process ended.
type Exit struct {
	// Code is the exit code, -1 when a signal ended the process.
	Code int
	// Signal is the name of the signal that ended the process, such as "killed",
	// empty if none did.
	Signal string
}

// String is "exit status 3" or "signal: killed".
func (e Exit) String() string {
	if e.Signal != "" {
		return "signal: " + e.Signal
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

// Process is one started command. Its methods may be called at any time from any
// goroutine.
type Process struct {
	runner *Runner
	pid    int
	// number tells the processes of one Runner apart, and never repeats.
	number uint64
	handle *os.Process
	// outputs are one for stdout and stderr together, or one for each.
	outputs []*output
	done    chan struct{}
	// exit is written before done is closed.
	exit Exit

	mu sync.Mutex
	// stopped is set once somebody asked for the end.
	stopped bool
	// killed is set once the group was killed.
	killed bool
	// exited is set once the main process has ended, before it's reaped.
	exited bool
	// gone is set when the group is empty, its number may belong to others then.
	gone bool
	// escalation kills the group when the grace is over.
	escalation *time.Timer
}

// PID is the number of the main process, and of its group and session.
func (p *Process) PID() int { return p.pid }

// Done is closed when the main process has ended, its group is empty and its
// output was handed to Spec.Output.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit is how the main process ended. It waits for Done.
func (p *Process) Exit() Exit {
	<-p.done
	return p.exit
}

// Exited tells whether the main process has ended, which it may have a while
// before Done is closed.
func (p *Process) Exited() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	// The lock keeps it from being reaped, so that the number is its own.
	return p.exited || hasExited(p.pid)
}

// Stop asks the whole group to end and returns at once: SIGTERM now, and SIGKILL when
// something of it is left after the grace. A second call, or a grace of 0 or
// less, kills at once. It does nothing after the end.
func (p *Process) Stop(grace time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return
	}
	if p.stopped || grace <= 0 {
		p.stopped = true
		p.kill()
		return
	}
	p.stopped = true
	signalGroup(p.pid, syscall.SIGTERM)
	p.escalation = time.AfterFunc(grace, func() { p.Stop(0) })
}
