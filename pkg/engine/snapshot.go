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
	// Images are those that resources use, bases first. They have an Update.
	Images []ResourceState
	// Buttons are in the order of their definition.
	Buttons []model.Button
}

// TiltfileState is the state of the evaluations of the Tiltfile.
type TiltfileState struct {
	// Path is the absolute path of the main Tiltfile.
	Path string
	// Args are its arguments.
	Args []string
	// Pending is true if an input changed and the next evaluation hasn't begun, Queued since when.
	Pending bool
	Queued  time.Time
	// Running is the start of the current evaluation, zero if there is none.
	Running time.Time
	// Last is the result of the last evaluation, nil before the first one has ended.
	Last *Exit
	// Evaluations counts the evaluations that have ended.
	Evaluations int
	// History are its evaluations, nil before the first one.
	History *History
	// CI holds the ci_settings of the last evaluation, nil before the first one has
	// ended and if the Tiltfile couldn't be read.
	CI *model.CISettings
}

// ResourceState is the state of one resource or image.
type ResourceState struct {
	// Name is the name of the resource, or model.ImagePrefix and that of the image.
	Name     string
	Disabled bool
	Labels   []string
	// Spec is the definition. That of an image is what a resource would have: its build is the Update, and its bases are
	// the Images. It isn't changed.
	Spec *model.Resource
	// Resources are the names of the resources that use an image, sorted. They are nil for a resource.
	Resources []string
	// Update is the state of the update, nil without one.
	Update *UpdateState
	// Runtime is the state of the runtime, nil without one.
	Runtime *RuntimeState
}

// UpdateState is the state of an update. With a nonzero Running it executes; else with
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
	// Pending is since when there is a reason for another execution, also for one that waits for a trigger. Queued and
	// Allowed are as in the Build that it will be. They are zero if it isn't due.
	Pending, Queued, Allowed time.Time
	// Triggered is true if a person has asked for the next execution, Retry if it repeats the last one, which has failed.
	Triggered, Retry bool
	// Wait is nil without a Hold.
	Wait *Wait
	// History are its executions, nil before the first one.
	History *History
}

// RuntimeState is the state of a runtime. With an Exit it has ended by itself; else with a Running it goes on; else
// with a Hold it waits; else it was never requested.
type RuntimeState struct {
	// Verb is what the runtime adds to the name of its resource: "serve" or "runtime".
	Verb string
	// Ends is true for a runtime that has to succeed, and false for one that has to go on.
	Ends bool
	// Command is the command as shown to a person.
	Command string
	// Hold is why the runtime doesn't go on yet, empty if it isn't requested.
	Hold Hold
	// Wait is nil without a Hold.
	Wait *Wait
	// Queued is when it was requested: when the update that it follows was. Allowed is when that had succeeded, Start
	// its first launch and Ready when it was first ready or had succeeded, all since that update. They are zero until
	// then.
	Queued, Allowed, Start, Ready time.Time
	// Running is set from the launch until the runtime has ended or is abandoned. While it is being replaced, its
	// times are zero and it isn't ready.
	Running *Running
	// Exit is the result of a runtime that ended by itself, nil while it goes on.
	Exit *Exit
	// Probed is true if the runtime says when it is ready. Otherwise it is ready from its start.
	Probed bool
	// Detail is what it said last of how it is, such as the output of a readiness probe, for messages.
	Detail string
	// ReadinessTimeout limits the time until the runtime is ready. With 0 the limit of the Session applies.
	ReadinessTimeout time.Duration
	// Restarts counts the launches after an end by itself, since the last update.
	Restarts int
	// Down is the time since which a restarting runtime hasn't been ready: its first launch or, if it was ready
	// since, its end. It is zero for a runtime that is ready or hasn't ended by itself.
	Down time.Time
}

// Running is a runtime that goes on.
type Running struct {
	// PID is the process, 0 for a runtime that isn't one.
	PID int
	// Start is when it was launched or last renewed, zero while its predecessor is being stopped.
	Start time.Time
	// Phase is how it is. Reason is why it is Pending, Error why it has Failed. Since is when what runs now began, zero
	// for Start.
	Phase         Phase
	Reason, Error string
	Since         time.Time
	// Exited is true if it Succeeded or Failed because a process ended, with Code or by Signal.
	Exited bool
	Code   int
	Signal string
	// Unproven is until when Ready isn't to be relied on, zero if it is.
	Unproven time.Time
	// Changed is when the phase last changed, zero if it never did.
	Changed time.Time
	// LastReady is when it last became ready, zero if it never did.
	LastReady time.Time
}

// Exit is the result of an execution.
type Exit struct {
	// Start is zero for a runtime whose launch failed.
	Start, Finish time.Time
	// Error is the error, empty for an update that succeeded.
	Error string
	// Code is the exit code, nil when no process ran or a signal ended it.
	Code *int
	// Signal is the name of the signal that ended the process, such as "killed", empty if none did.
	Signal string
}

// publish publishes a snapshot if anything changed since the last one. Snapshots share unchanged states.
func (l *loop) publish() {
	last := l.engine.snapshot.Load()
	tasks, changed := l.views(l.shown)
	if !changed && l.tiltfile.equal(&last.Tiltfile) {
		return
	}
	snapshot := *last
	snapshot.Version++
	snapshot.Tiltfile = l.tiltfile.TiltfileState
	snapshot.Buttons = l.buttons
	l.shown = tasks
	if tasks != nil {
		snapshot.Resources = tasks[:l.firstImage:l.firstImage]
	}
	snapshot.Images = nil
	if len(tasks) > l.firstImage {
		snapshot.Images = tasks[l.firstImage:]
	}
	l.engine.snapshot.Store(&snapshot)
	if l.config.OnChange != nil {
		l.config.OnChange(&snapshot)
	}
}

// views returns the states of all resources, and whether they differ from the last ones, which it doesn't modify.
func (l *loop) views(last []ResourceState) (views []ResourceState, changed bool) {
	load := measure(l.tasks, l.settings)
	now := load.conditions(l.settings)
	at := l.config.Clock.Now()
	look := l.touched
	if l.reordered || now != l.conditions {
		look = l.resources
	}
	views = last
	if l.reordered {
		views, changed = l.order(last)
	}
	for _, r := range look {
		if r.index < 0 || !l.look(r, now, at) {
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
func (l *loop) look(r *resource, c conditions, now time.Time) bool {
	update, serve := holds(r.task, c)
	if serve != HoldNone && (r.running != nil || r.runtimeExit != nil) {
		serve = HoldNone
	}
	if !r.changed && update == r.updateHold && serve == r.serveHold {
		return false
	}
	r.due = r.due.allow(r.task.ready() && !c.reloading, now)
	r.updateHold, r.serveHold = update, serve
	r.updateWait, r.serveWait = l.wait(r, r.updateWait, update, now), l.wait(r, r.serveWait, serve, now)
	last := r.shown
	r.shown = r.view()
	keep(&r.shown.Update, last.Update)
	keep(&r.shown.Runtime, last.Runtime)
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
		s.Spec == other.Spec &&
		slices.Equal(s.Resources, other.Resources) && s.Update == other.Update && s.Runtime == other.Runtime
}
