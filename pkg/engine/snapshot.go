// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"tilt.dev/session/pkg/model"
)

// Snapshot is the state of a run at one moment. Neither the engine nor a
// reader changes it, or anything that it points to, after it was published.
type Snapshot struct {
	// Version is 1 for the first snapshot of a run and grows with each.
	Version uint64
	// PID is the process that runs the engine.
	PID int
	// StartTime is when the run began.
	StartTime time.Time

	Tiltfile TiltfileState
	// Resources are in the order of their definition.
	Resources []ResourceState
}

// TiltfileState is how far the evaluation of the Tiltfile is.
type TiltfileState struct {
	// Path is the absolute path of the main Tiltfile.
	Path string
	// Args are its arguments.
	Args []string
	// Pending is true when an evaluation is wanted because an input changed.
	Pending bool
	// Running is the start of the evaluation that's going on, zero if none is.
	Running time.Time
	// Last is how the last evaluation ended, nil before the first one did.
	Last *Exit
	// Evaluations counts those that have ended.
	Evaluations int
	// CI is what the last evaluation left of ci_settings, nil before the
	// first one ended and when the Tiltfile couldn't be read.
	CI *model.CISettings
}

// ResourceState is the state of one resource.
type ResourceState struct {
	Name     string
	Disabled bool
	Labels   []string
	// Update is the state of its job, nil without cmd.
	Update *UpdateState
	// Serve is the state of its server, nil without serve_cmd.
	Serve *ServeState
}

// UpdateState is the state of a job. While Running isn't zero the job
// executes; else with a Hold it waits; else it has the result Last; else
// nobody has asked for it yet.
type UpdateState struct {
	// Command is the command as a person would write it.
	Command string
	// Hold is why the next execution hasn't begun, empty if none is wanted.
	Hold Hold
	// Running is the start of the execution that's going on, zero if none is.
	Running time.Time
	// Last is how the last execution ended, nil before the first one did and
	// after the resource was disabled.
	Last *Exit
	// Attempt is 0 for the first execution of those that a failure may have
	// repeated, Retries the largest that it can be.
	Attempt, Retries int
}

// ServeState is the state of a server. With an Exit its process has ended by
// itself; else with a Process it runs; else with a Hold it waits; else nobody
// has asked for it yet.
type ServeState struct {
	// Command is the command as a person would write it.
	Command string
	// Hold is why the server doesn't run yet, empty if it isn't wanted.
	Hold Hold
	// Process is set from when the process has been launched until it has ended
	// or is given up. While it's being replaced, its times are zero and it
	// isn't ready.
	Process *ServerProcess
	// Exit is how the process ended by itself, nil while it runs.
	Exit *Exit
	// Probed is true if a readiness probe says when the server is ready. Without
	// one it counts as ready from its start.
	Probed bool
	// LastProbe is the last result of the readiness probe, for messages. It's
	// empty without one.
	LastProbe string
	// ReadinessTimeout is how long the server may take to be ready, 0: as long
	// as the Session allows.
	ReadinessTimeout time.Duration
	// Restarts counts how often the server was launched again after it had
	// ended by itself, since somebody last wanted it.
	Restarts int
	// Down is since when a server that's launched again after its ends hasn't been
	// ready: from its first launch or, if it has been ready since, from when it
	// ended. It's zero for one that is ready or hasn't ended by itself.
	Down time.Time
}

// ServerProcess is a running server.
type ServerProcess struct {
	PID int
	// Start is when it was launched, zero while its predecessor is stopped.
	Start time.Time
	// Ready is true while the readiness probe passes, without one from the start.
	Ready bool
	// LastReady is when Ready last turned true, zero if it never did.
	LastReady time.Time
}

// Exit is how an execution ended.
type Exit struct {
	// Start is zero for a server that couldn't be launched.
	Start, Finish time.Time
	// Error says what went wrong, empty for a job that succeeded.
	Error string
	// Code is the exit code, nil when no process ran or a signal ended it.
	Code *int
	// Signal is the name of the signal that ended the process, such as
	// "killed", empty if none did.
	Signal string
}

// Hold is why something that's wanted doesn't run yet. The strings are
// published as wait reasons.
type Hold string

// The holds that Tilt has for local resources, with its words, and those that
// we tell apart where it says "unknown".
const (
	HoldNone             Hold = ""
	HoldTiltfileReload   Hold = "tiltfile-reload"
	HoldWaitingForLocal  Hold = "waiting-for-local"
	HoldUnparallelizable Hold = "is-unparallelizable-local"
	HoldWaitingForDep    Hold = "waiting-for-dep"
	HoldWaitingForSlot   Hold = "waiting-for-slot"
	HoldWaitingForUpdate Hold = "waiting-for-update"
	HoldUpdateFailed     Hold = "update-failed"
	HoldStarting         Hold = "starting"
	HoldPendingTrigger   Hold = "pending-trigger"
	// HoldRetrying is a failed job that's executed again after a while,
	// HoldRestarting a server that ended and is launched again after a while.
	HoldRetrying   Hold = "retrying"
	HoldRestarting Hold = "restarting"
	// HoldAfterFailure is what could start, but doesn't since something else
	// has failed and nothing new is started after a failure.
	HoldAfterFailure Hold = "after-failure"
)
