// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"time"

	"tilt.dev/session/pkg/model"
)

// Snapshot is the state of a run at one moment. It is immutable, with everything that it points to.
type Snapshot struct {
	// Version is 1 for the first snapshot of a run and increases with each.
	Version uint64
	// PID is the process ID of the engine.
	PID int
	// StartTime is when the run began.
	StartTime time.Time

	Tiltfile TiltfileState
	// Resources are in the order of their definition.
	Resources []ResourceState
}

// TiltfileState is the state of the evaluations of the Tiltfile.
type TiltfileState struct {
	// Path is the absolute path of the main Tiltfile.
	Path string
	// Args are its arguments.
	Args []string
	// Pending is true if an input changed and the next evaluation hasn't begun.
	Pending bool
	// Running is the start of the current evaluation, zero if there is none.
	Running time.Time
	// Last is the result of the last evaluation, nil before the first one has ended.
	Last *Exit
	// Evaluations counts the evaluations that have ended.
	Evaluations int
	// CI holds the ci_settings of the last evaluation, nil before the first one has
	// ended and if the Tiltfile couldn't be read.
	CI *model.CISettings
}

// ResourceState is the state of one resource.
type ResourceState struct {
	Name     string
	Disabled bool
	Labels   []string
	// Update is the state of the job, nil without cmd.
	Update *UpdateState
	// Serve is the state of the server, nil without serve_cmd.
	Serve *ServeState
}

// UpdateState is the state of a job. With a nonzero Running it executes; else with
// a Hold it waits; else with a Last it has ended; else it was never requested.
type UpdateState struct {
	// Command is the command as shown to a person.
	Command string
	// Hold is why the next execution hasn't begun, empty if none is requested.
	Hold Hold
	// Running is the start of the current execution, zero if there is none.
	Running time.Time
	// Last is the result of the last execution, nil before the first one has ended and after the resource was disabled.
	Last *Exit
	// Attempt is 0 for the first execution of an update and increases with each retry. Retries is its largest value.
	Attempt, Retries int
}

// ServeState is the state of a server. With an Exit its process has ended by itself; else with a Process it runs;
// else with a Hold it waits; else it was never requested.
type ServeState struct {
	// Command is the command as shown to a person.
	Command string
	// Hold is why the server doesn't run yet, empty if it isn't requested.
	Hold Hold
	// Process is set from the launch of the process until it has ended or is
	// abandoned. While it is being replaced, its times are zero and it isn't ready.
	Process *ServerProcess
	// Exit is the result of a process that ended by itself, nil while it runs.
	Exit *Exit
	// Probed is true if the server has a readiness probe. Without one it is ready from its start.
	Probed bool
	// LastProbe is the last output of the readiness probe, for messages. It is empty without one.
	LastProbe string
	// ReadinessTimeout limits the time until the server is ready. With 0 the limit of the Session applies.
	ReadinessTimeout time.Duration
	// Restarts counts the launches after an end by itself, since the last update.
	Restarts int
	// Down is the time since which a restarting server hasn't been ready: its first launch or, if it was ready
	// since, its end. It is zero for a server that is ready or hasn't ended by itself.
	Down time.Time
}

// ServerProcess is a running server.
type ServerProcess struct {
	PID int
	// Start is when it was launched, zero while its predecessor is being stopped.
	Start time.Time
	// Ready is true while the readiness probe passes, without one from the start.
	Ready bool
	// LastReady is when Ready last became true, zero if it never did.
	LastReady time.Time
}

// Exit is the result of an execution.
type Exit struct {
	// Start is zero for a server whose launch failed.
	Start, Finish time.Time
	// Error is the error, empty for a job that succeeded.
	Error string
	// Code is the exit code, nil when no process ran or a signal ended it.
	Code *int
	// Signal is the name of the signal that ended the process, such as "killed", empty if none did.
	Signal string
}

// publish publishes a snapshot if anything changed since the last one. Snapshots share unchanged states.
func (l *loop) publish() {
	last := l.engine.snapshot.Load()
	resources, changed := l.views(last.Resources)
	if !changed && l.tiltfile.equal(&last.Tiltfile) {
		return
	}
	snapshot := *last
	snapshot.Version++
	snapshot.Tiltfile = l.tiltfile.TiltfileState
	snapshot.Resources = resources
	l.engine.snapshot.Store(&snapshot)
	if l.config.OnChange != nil {
		l.config.OnChange(&snapshot)
	}
}

// views returns the states of all resources, and whether they differ from the last ones, which it doesn't modify.
func (l *loop) views(last []ResourceState) (views []ResourceState, changed bool) {
	load := measure(l.tasks, l.settings)
	now := load.conditions(l.settings)
	look := l.touched
	if l.reordered || now != l.conditions {
		look = l.resources
	}
	views = last
	if l.reordered {
		views, changed = l.order(last)
	}
	for _, r := range look {
		if r.index < 0 || !r.look(now) {
			continue
		}
		if !changed {
			views, changed = slices.Clone(last), true
		}
		views[r.index] = r.shown
	}
	for _, r := range l.touched {
		r.changed, r.phaseChanged = false, false
	}
	l.touched, l.reordered, l.conditions = l.touched[:0], false, now
	return views, changed
}

// order returns the last shown states of all resources in their present order, and whether the order differs.
func (l *loop) order(last []ResourceState) (views []ResourceState, changed bool) {
	same := slices.EqualFunc(last, l.resources, func(s ResourceState, r *resource) bool { return s.Name == r.Name })
	if same {
		return last, false
	}
	views = make([]ResourceState, len(l.resources))
	for i, r := range l.resources {
		views[i] = r.shown
	}
	return views, true
}

// look updates the shown state of a resource and reports whether it changed.
func (r *resource) look(c conditions) bool {
	update, serve := holds(r.task, c)
	if !r.changed && update == r.updateHold && serve == r.serveHold {
		return false
	}
	r.updateHold, r.serveHold = update, serve
	last := r.shown
	r.shown = r.view()
	keep(&r.shown.Update, last.Update)
	keep(&r.shown.Serve, last.Serve)
	return !r.shown.equal(&last)
}

// keep replaces a state by the last one if they are equal.
func keep[T comparable](now **T, last *T) {
	if *now != nil && last != nil && **now == *last {
		*now = last
	}
}

// equal compares targets by pointer; see keep.
func (s *ResourceState) equal(other *ResourceState) bool {
	return s.Name == other.Name && s.Disabled == other.Disabled && slices.Equal(s.Labels, other.Labels) &&
		s.Update == other.Update && s.Serve == other.Serve
}
