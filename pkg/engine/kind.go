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
	// Images are the outputs of the images that the task uses, by name.
	Images map[string]model.BuiltImage
	// LiveUpdates say which containers take changed files, and how.
	LiveUpdates []model.LiveUpdate
	// Report tells how the runtime is. It never blocks. It is called in order, and not after Done is closed.
	Report func(Report)
	// ReportLive tells how the containers of each of LiveUpdates are, in their order. It is called as Report is, whenever
	// that changes. Before the first call nothing is known of them.
	ReportLive func([]LiveState)
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

// LiveUpdater is a Runtime whose containers take changed files without another build or deploy.
type LiveUpdater interface {
	Runtime
	// StartLiveUpdate begins to bring files into the containers that run and lack them. How the containers are then is
	// reported before it is done, and always before a Report of the same moment.
	//
	// A container that goes on after another deploy, because that has changed nothing of it, may have other files than
	// what was deployed: it lacks all files that were ever brought to it.
	StartLiveUpdate(LiveUpdateRequest) (Activity, error)
}

// LiveUpdateRequest is one live update of a task.
type LiveUpdateRequest struct {
	Task string
	Log  Log
	// Files are, for each of the LiveUpdates of the runtime's last request, the files that have changed since the build
	// of what its containers run, the latest change last.
	Files [][]ChangedFile
}

// ChangedFile is a file that has changed, been made or been removed.
type ChangedFile struct {
	Path string
	// Change is the number of its last change in the run. A container that has got all files up to a number lacks none
	// of them.
	Change uint64
}

// LivePhase says whether containers take files.
type LivePhase uint8

const (
	// LiveWaiting is for containers that don't run yet.
	LiveWaiting LivePhase = iota
	// LiveReady is for containers of which at least one runs, and the others may follow.
	LiveReady
	// LiveAbsent is for a runtime that has no such containers.
	LiveAbsent
	// LiveFailed is for containers that don't run and aren't about to.
	LiveFailed
)

// LiveState is how the containers of a live update are.
type LiveState struct {
	Phase LivePhase
	// Reason says in one word why they have failed, Message in a sentence.
	Reason, Message string
	// Lacking is true if a running container lacks files that it should have got, because it started since the last live
	// update.
	Lacking bool
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
	// Rebuild says why a live update has failed in a way that only a build can mend, empty otherwise. It is a word such as
	// "UpdateFailed", a colon and a sentence.
	Rebuild string
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
	// Exited is true if it Succeeded or Failed because a process ended, with Code or by Signal, which is empty if none
	// ended it.
	Exited bool
	Code   int
	Signal string
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
