// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package process runs commands, each in a process group of its own, and ends whole groups reliably.
//
// # Guarantees
//
// For every command that a Runner started:
//
//   - It leads a session and a process group of its own, reads /dev/null, and writes stdout and stderr to one pipe.
//     Spec.Output receives all of its output before Done is closed.
//   - When its main process exits by itself, the rest of the group is killed at once. When it is stopped, the whole
//     group has the grace to end.
//   - Done is closed only when no process of the group is left, except for zombies that their own parents don't
//     reap, and processes of other users, which this process can't signal.
//   - A descendant that left the group (setsid, setpgid) can't delay Done: once the group is empty, the pipe is read
//     to its current end and closed.
//
// Descendants that left their group outlive the command that started them, as a daemon should. With
// Options.AdoptOrphans on Linux they end too: those of a stopped command together with it, all others by Close. The
// kernel makes them children of this process when their parents die. The session of such a process, or a variable
// in its environment, identifies its command; a process that erased both ends by Close. On other systems detached
// processes can't be found and are not ended.
//
// If this process dies without Close, a guard (Options.Guard) kills the remaining groups. On Linux it also kills
// every process with the Runner's variable in its environment, including those that were just being started.
//
// # Limits
//
// The guard misses detached processes that erased their environment. On systems other than Linux it misses every
// detached process, and a command that was launched within the last few microseconds.
//
// A running command takes two goroutines, up to three file descriptors, and memory for its output only while there
// is some.
package process

import (
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// Spec describes a command.
type Spec struct {
	// Argv is the program and its arguments, at least one. A program without a slash is looked up in the PATH of
	// Env; a relative path, also one in PATH, is relative to Dir.
	Argv []string
	// Dir is the working directory, empty for that of this process.
	Dir string
	// Env is the complete environment as "KEY=value" entries; the last entry of a key wins. The Runner adds one
	// variable, by which it recognizes processes that left their group.
	Env []string
	// Output receives stdout and stderr in pieces of at most 32 KiB. Write is never called concurrently for one
	// process, and not after Done. While it blocks, the command blocks too once the pipe is full, and Done is
	// delayed. After an error of Write the remaining output is read and discarded. Nil discards all output.
	Output io.Writer
	// Stderr, if set, receives stderr in place of Output, by the same rules. Both may be called at the same time.
	Stderr io.Writer
	// Stdin is what the command reads, nil for nothing. The caller closes it.
	Stdin *os.File
}

// Exit is how a main process ended.
type Exit struct {
	// Code is the exit code, -1 when a signal ended the process.
	Code int
	// Signal is the name of the signal that ended the process, such as "killed", empty if none did.
	Signal string
}

// String is "exit status 3" or "signal: killed".
func (e Exit) String() string {
	if e.Signal != "" {
		return "signal: " + e.Signal
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

// Process is one started command. Its methods are safe for concurrent use, also after its end.
type Process struct {
	runner *Runner
	pid    int
	// number is unique among the processes of one Runner.
	number uint64
	handle *os.Process
	// outputs are one for stdout and stderr together, or one for each.
	outputs []*output
	done    chan struct{}
	// exit is written before done is closed.
	exit Exit

	mu sync.Mutex
	// stopped is set by Stop.
	stopped bool
	// killed is set once the group was killed.
	killed bool
	// exited is set once the main process has ended, before it's reaped.
	exited bool
	// gone is set when the group is empty. Then another group may get its number.
	gone bool
	// escalation kills the group when the grace is over.
	escalation *time.Timer
}

// PID is the number of the main process, and of its group and session.
func (p *Process) PID() int { return p.pid }

// Done is closed when the main process has ended, its group is empty and Spec.Output has received its output.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit is how the main process ended. It waits for Done.
func (p *Process) Exit() Exit {
	<-p.done
	return p.exit
}

// Exited reports whether the main process has ended, which may be a while before Done is closed.
func (p *Process) Exited() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Under the lock the process isn't reaped, so the PID is still its own.
	return p.exited || hasExited(p.pid)
}

// Stop ends the process group: SIGTERM now, SIGKILL after grace if any process is left. A second call, or a grace
// of 0 or less, kills at once. Stop returns at once, and does nothing after the end.
func (p *Process) Stop(grace time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return
	}
	if p.stopped || grace <= 0 {
		p.kill()
	} else {
		signalGroup(p.pid, syscall.SIGTERM)
		p.escalation = time.AfterFunc(grace, func() { p.Stop(0) })
	}
	p.stopped = true
}
