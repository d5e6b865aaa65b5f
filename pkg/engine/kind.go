// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// Updater starts the updates of tasks: commands, builds, deploys. It is called from several goroutines.
type Updater interface {
	// StartUpdate begins an update. The text of its error is published.
	StartUpdate(UpdateRequest) (Activity, error)
}

// Runner starts the runtimes of tasks: servers, workloads. It is called from several goroutines.
type Runner interface {
	// StartRuntime begins a runtime. The text of its error is published.
	StartRuntime(RuntimeRequest) (Runtime, error)
}

// UpdateRequest is one update of a task.
type UpdateRequest struct {
	// Task is the name of the resource or image.
	Task   string
	Update model.Update
	// Environ is the environment of commands, without variables of their own.
	Environ []string
	// Log gets the output.
	Log Log
	// Images are the outputs of the images that the task uses, by name.
	Images map[string]model.BuiltImage
	// Requested is true if a person asked for the update, rather than a change.
	Requested bool
}

// RuntimeRequest is one runtime of a task, after an update that succeeded.
type RuntimeRequest struct {
	Task    string
	Runtime model.Runtime
	Environ []string
	Log     Log
	// Output is that of the last update, nil without one.
	Output any
	// Report tells how the runtime is. It never blocks. It is called in order, and not after Done is closed.
	Report func(Report)
}

// Activity is an update or a runtime that has begun. Its methods are safe for concurrent use, also after its end.
type Activity interface {
	// PID is the process, 0 if it isn't one.
	PID() int
	// Done is closed when nothing of the activity is left and all its output was logged.
	Done() <-chan struct{}
	// Ending is true from the moment at which the activity began to end by itself.
	Ending() bool
	// End is how it ended, valid once Done is closed.
	End() End
	// Stop ends the activity within the grace. It doesn't block. Another call can only shorten the grace.
	Stop(grace time.Duration)
}

// Runtime is an Activity that goes on until it is stopped.
type Runtime interface {
	Activity
	// Renew makes the runtime follow another update or definition of its task without an end. It returns false if
	// only another runtime can.
	Renew(RuntimeRequest) bool
}

// End is how an activity ended.
type End struct {
	// Error is why it failed, empty for success. For an update it completes the sentence "UPDATE failed: ". Command
	// is the failed one.
	Error string
	// Code is the exit code of the process, nil if none ran or if a signal ended it. Signal is its name, such as
	// "killed".
	Code   *int
	Signal string
	// Output is what the task's runtime gets, and for an image, a model.BuiltImage, what the tasks that use it get.
	Output any
}

// Phase is how a runtime is.
type Phase uint8

const (
	// Starting is a runtime that runs and isn't ready.
	Starting Phase = iota
	// Pending is a runtime that doesn't run yet, for a Reason.
	Pending
	// Ready is a runtime that's ready.
	Ready
	// Succeeded is a runtime that has ended as it should.
	Succeeded
	// Failed is a runtime that has failed, with an Error. It may recover.
	Failed
	// Absent is a runtime that there is nothing to say of: that its update has succeeded is enough.
	Absent
)

// Report is how a runtime is at a moment.
type Report struct {
	Phase Phase
	// Reason is why it is Pending, in one word.
	Reason string
	// Error is why it has Failed.
	Error string
	// Detail is what a person would look at next, such as the last result of a probe, in one line.
	Detail string
	// Start is when what runs now began, zero for the start of the runtime.
	Start time.Time
	// Restarts counts how often it was started again by itself.
	Restarts int
	// Unproven is until when Ready isn't to be relied on, because nothing but the start speaks for it. It is zero if
	// something does.
	Unproven time.Time
}

// Log is where the output of one task goes.
type Log struct {
	store  *logs.Store
	source string
}

// NewLog returns the log of a source within a store.
func NewLog(store *logs.Store, source string) Log { return Log{store, source} }

// Append adds the lines of a text.
func (l Log) Append(level logs.Level, text string) { l.store.Append(l.source, level, text) }

// Writer returns a writer of lines. It must be closed.
func (l Log) Writer() *logs.Writer { return l.store.Writer(l.source) }
