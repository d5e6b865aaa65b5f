// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package engine runs what a Tiltfile says: it decides what starts next and why the rest waits, and publishes the
// state of the run as immutable snapshots.
//
// It knows a graph of tasks. A task is a resource or an image that resources share. It has an update, which runs and
// ends, and a resource may have a runtime, which goes on after that. What they are, such as commands, builds and
// workloads, is the business of packages that implement Updater and Runner.
//
// A live update is an update of a resource that leaves its images and its deploy as they are: it brings changed files
// into the containers that run. The files of an image go to the live updates of all resources that use it, if all can
// take them; otherwise the image is built. A container that starts later gets what has changed since its image was
// built, and after a deploy that leaves a container as it is, another live update follows: what a resource that is up
// to date runs has the latest files.
//
// One goroutine, the one that calls Run, owns all state. Evaluating the Tiltfile, updates, runtimes, watching files
// and waiting for a time are effects: they have their own goroutines, access no state and report by messages. After
// each batch of messages the loop decides again and publishes the changes. It has no timers or polling of its own: a
// message causes everything that happens. A request is a message too; its answer follows the snapshot that shows its
// result.
//
// No phase of a target is skipped: one snapshot shows a job waiting and another shows it active, however short it is.
//
// The package knows nothing of Sessions, processes, clusters or terminals, and nothing of files
// but their names and the times of their changes.
package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// DefaultKillGrace is how long activities may take to end, such as the time between TERM and KILL of a process group.
const DefaultKillGrace = 10 * time.Second

// Loader evaluates a Tiltfile. Load returns soon after ctx is done. The text of its error is published unchanged.
// With an error the project still holds CI and Inputs as far as they are known.
type Loader interface {
	Load(ctx context.Context, in LoadInput) (model.Project, error)
}

// LoadInput holds the inputs of one evaluation of a Tiltfile besides files.
type LoadInput struct {
	// Path is the absolute path of the main Tiltfile.
	Path string
	// Args are the arguments given to the Tiltfile.
	Args []string
}

// Config configures an Engine. Fields without a default are required.
type Config struct {
	// Tiltfile is the absolute path of the main Tiltfile, Args its arguments.
	Tiltfile string
	Args     []string
	// Load evaluates the Tiltfile.
	Load Loader
	// Updates and Runtimes start what the tasks consist of.
	Updates  Updater
	Runtimes Runner
	// Adopted, if set, is called by the loop with each project before anything of it starts. It must not block.
	Adopted func(*model.Project)
	// Disabled, if set, is called by the loop when a resource is disabled, once its activities were told to end. It must
	// not block.
	Disabled func(*model.Resource)
	// Watch reports each change of files since the call once, in batches, until ctx is done, then returns. It is called
	// from several goroutines; report never blocks. An error ends the watch and is logged. A nil Watch watches nothing.
	Watch func(ctx context.Context, w model.Watch, report func([]model.Change)) error
	// Logs receives all output under the names of the resources. The engine doesn't close it.
	Logs *logs.Store

	// Environ is the environment of every command, as "KEY=value" entries. Variables
	// of the Tiltfile and of a resource replace those of Environ.
	Environ []string

	// Clock is the real one by default.
	Clock clock.Clock
	// PID and StartTime are published unchanged.
	PID       int
	StartTime time.Time
	// KillGrace is how long activities may take to end when the run ends: zero means
	// DefaultKillGrace, a negative value means none.
	KillGrace time.Duration
	// FailFast is the initial value; see SetFailFast.
	FailFast bool

	// OnChange, if set, is called with every new snapshot, in order, by the loop. It must not block.
	OnChange func(*Snapshot)
}

// Engine is one run of a Tiltfile. Its methods are safe for concurrent use, also before and after Run.
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

// Run evaluates the Tiltfile and runs what it defines until ctx is done. Then it stops all activities at once and
// returns when they, and all goroutines that it started, have ended. That takes at most KillGrace, as far as
// processes can be killed.
//
// Run publishes nothing after ctx is done: the last snapshot shows the run before
// the teardown. The only error is to call Run again.
func (e *Engine) Run(ctx context.Context) error {
	if e.used.Swap(true) {
		return errors.New("engine already ran")
	}
	newLoop(ctx, e).run()
	return nil
}

// Snapshot returns the latest snapshot, which is never nil.
func (e *Engine) Snapshot() *Snapshot { return e.snapshot.Load() }

// Logs returns the store of Config.
func (e *Engine) Logs() *logs.Store { return e.config.Logs }

// SetFailFast sets whether nothing new starts after the Tiltfile, a job or a server
// has failed. What runs is not affected.
func (e *Engine) SetFailFast(failFast bool) { e.mailbox.put(failFastSet{failFast}) }

// Kill sets the grace to zero: activities that are being stopped are killed
// now, and the others when the run ends.
func (e *Engine) Kill() { e.mailbox.put(killed{}) }
