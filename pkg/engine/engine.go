// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package engine runs the jobs and servers of a Tiltfile: it decides what
// starts next and why the rest waits, and publishes the state of the run as
// immutable snapshots.
//
// One goroutine, the one that calls Run, owns all state. Evaluating the
// Tiltfile, running a process, probing a server, watching files and waiting for
// a time are effects: they have their own goroutines, touch no state and report
// back by messages. After each batch of messages the loop decides anew and
// publishes what has changed. It has no timers or polling of its own: everything
// that happens is caused by a message. What somebody asks for is a message too,
// which is answered once a snapshot shows what it led to.
//
// No phase of a target is skipped: a job that's going to run is in one
// snapshot waiting and in another one active, however short it is.
//
// The package knows nothing of Sessions, ports or terminals, and of files
// nothing but their names and when they have changed.
package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/probe"
	"tilt.dev/session/pkg/process"
)

// DefaultKillGrace is the time between TERM and KILL of a process group.
const DefaultKillGrace = 10 * time.Second

// Loader evaluates a Tiltfile. Load returns soon after ctx is done. The text of
// its error is published as it is; with an error the project still has what CI
// and Inputs could be told.
type Loader interface {
	Load(ctx context.Context, in LoadInput) (model.Project, error)
}

// LoadInput is what one evaluation of a Tiltfile depends on besides files.
type LoadInput struct {
	// Path is the absolute path of the main Tiltfile.
	Path string
	// Args are the arguments given to the Tiltfile.
	Args []string
}

// Process is a running command with everything in its process group.
type Process interface {
	PID() int
	// Done is closed when the main process has ended, its group is empty and
	// its output was written.
	Done() <-chan struct{}
	// Exit is how the main process ended. It's valid after Done.
	Exit() process.Exit
	// Exited tells whether the main process has ended, which it may have before
	// Done is closed.
	Exited() bool
	// Stop ends the group: TERM now, KILL after grace. A second call, or no
	// grace, is KILL now. It returns at once.
	Stop(grace time.Duration)
}

// Config is what an Engine needs. Fields without a default are required.
type Config struct {
	// Tiltfile is the absolute path of the main Tiltfile, Args its arguments.
	Tiltfile string
	Args     []string

	// Load evaluates the Tiltfile.
	Load Loader
	// Start launches a command. It's called from several goroutines. With an
	// error, whose text is published, the process isn't looked at.
	Start func(process.Spec) (Process, error)
	// Probe checks the readiness of a server until ctx is done, then returns.
	// It's called from several goroutines; report never blocks.
	Probe func(ctx context.Context, p model.Probe, report func(probe.Result))
	// Watch reports changes of files since it was called, in batches and each
	// once, until ctx is done, then returns. It's called from several goroutines;
	// report never blocks. An error, which is logged, means that nothing is
	// watched any more. Nil watches nothing at all.
	Watch func(ctx context.Context, w model.Watch, report func([]model.Change)) error
	// Logs takes the output of everything under the names of the resources.
	// It isn't closed by the engine.
	Logs *logs.Store

	// Environ is the environment of every command, as "KEY=value" entries. What
	// the Tiltfile and a resource set goes over it.
	Environ []string

	// Clock is the real one by default.
	Clock clock.Clock
	// PID and StartTime are published as they are.
	PID       int
	StartTime time.Time
	// KillGrace is the time that process groups have to end by themselves when
	// the run ends: zero is DefaultKillGrace, negative is none.
	KillGrace time.Duration
	// FailFast is what SetFailFast changes.
	FailFast bool

	// OnChange is called with every new snapshot, from the loop, in order. It
	// must not block. Nil is allowed.
	OnChange func(*Snapshot)
}

// Engine is one run of a Tiltfile. Its methods may be called from everywhere,
// before and after Run as well.
type Engine struct {
	config   Config
	mailbox  *mailbox
	snapshot atomic.Pointer[Snapshot]
	used     atomic.Bool
}

// New returns an engine that does nothing before Run is called.
func New(config Config) *Engine {
	if config.Clock == nil {
		config.Clock = clock.RealClock{}
	}
	if config.KillGrace == 0 {
		config.KillGrace = DefaultKillGrace
	}
	e := &Engine{config: config, mailbox: newMailbox()}
	e.snapshot.Store(&Snapshot{
		Version:   1,
		PID:       config.PID,
		StartTime: config.StartTime,
		Tiltfile:  TiltfileState{Path: config.Tiltfile, Args: config.Args},
	})
	return e
}

// Run evaluates the Tiltfile and runs what it asks for until ctx is done. Then
// it ends all process groups at once and returns when they, and all goroutines
// that it started, have ended. Its duration after ctx is done is bounded by
// KillGrace as far as processes can be killed.
//
// Nothing is published any more once ctx is done: the last snapshot shows the
// run before anything was torn down. The only error is to call Run again.
func (e *Engine) Run(ctx context.Context) error {
	if e.used.Swap(true) {
		return errors.New("an engine runs only once")
	}
	newLoop(ctx, e).run()
	return nil
}

// Snapshot returns the newest state. It's never nil.
func (e *Engine) Snapshot() *Snapshot {
	return e.snapshot.Load()
}

// Logs returns where the output of everything goes.
func (e *Engine) Logs() *logs.Store { return e.config.Logs }

// SetFailFast decides whether anything new is started after the Tiltfile, a job
// or a server has failed. What runs goes on in any case.
func (e *Engine) SetFailFast(failFast bool) {
	e.mailbox.put(failFastSet{failFast})
}

// Kill takes away the grace: process groups that are being ended are killed
// now, and others are killed without a warning when the run ends.
func (e *Engine) Kill() {
	e.mailbox.put(killed{})
}
