// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"tilt.dev/session/pkg/model"
)

// resource is the state of a resource.
type resource struct {
	// Resource is the definition. It isn't changed: snapshots point to it.
	*model.Resource
	disabled bool
	// image is true for an image. demanded is true once a user needs it.
	image, demanded bool
	// uses are the images that it uses, users the tasks that use an image, and resources the names of the resources
	// among them, also through other images.
	uses, users []*resource
	resources   []string
	// waitsFor are the images that the update waits for, lacks the resources that hold back an image.
	waitsFor, lacks []string
	// index is the position in the order of tasks, -1 once the Tiltfile doesn't define the resource.
	index int
	// task is the state that decisions depend on.
	task *task

	// met is true once the resource has been ready or has succeeded, started once an update has succeeded. They stay
	// true. dependents are the resources that wait for one of these.
	met, started bool
	dependents   []*resource

	// wants are the reasons for the next update. redefiners are the files whose
	// changes led to a new definition since the last update.
	wants      wants
	redefiners []string
	// changes are the changes of its files, which watch reports.
	changes changes
	watch   *watch

	update
	runtimeState
	live
	// takers are the live updates that the changed files of the task can go to.
	takers []taker

	// changed is true if the last snapshot shows another state, phaseChanged if it
	// shows another phase, which no reader may miss.
	changed, phaseChanged bool
	// shown is what the last snapshot shows.
	shown                 ResourceState
	updateHold, serveHold Hold
	updateWait, serveWait *Wait
	// due is since when the next update is due, history the updates until now.
	due     due
	history *History
}

// update is the state of a task's update.
type update struct {
	// updateCommand is the command as shown to a person.
	updateCommand string
	// updating is the current execution, lastUpdate the result of the last one.
	updating   *execution
	lastUpdate *Exit
	// output is that of the last update that succeeded.
	output any
	// attempt counts the retries of the current or last update. retry is the timer of the next one.
	attempt int
	retry   *timer
	// queued is when the update that goes on, or went on last, was first wanted.
	queued time.Time
}

// runtimeState is the state of a resource's runtime.
type runtimeState struct {
	// runtimeCommand is the command as shown to a person.
	runtimeCommand string
	// serving is the execution from the launch to the end. running is set while the runtime goes on or is being
	// replaced, runtimeExit once it has ended.
	serving     *execution
	running     *Running
	runtimeExit *Exit
	// request is the number of the last request, whose reports count. early is a report from before the launch was
	// known. detail is that of the last report.
	request int
	early   *reported
	detail  string
	// restarts counts the launches after an end, restart is the timer of the next one, and pause the backoff.
	restarts int
	restart  *timer
	pause    pause
	// down is published as RuntimeState.Down, times as those of RuntimeState.
	down  time.Time
	times runtimeTimes
}

type runtimeTimes struct{ queued, allowed, start, ready time.Time }

func newResource(spec model.Resource, disabled bool) *resource {
	r := &resource{disabled: disabled, task: &task{}}
	r.define(spec)
	return r
}

// define sets the definition of a resource.
func (r *resource) define(spec model.Resource) {
	r.Resource = &spec
	r.updateCommand, r.runtimeCommand = "", ""
	if spec.Update != nil {
		r.updateCommand = spec.Update.String()
	}
	if spec.Runtime != nil {
		r.runtimeCommand = spec.Runtime.String()
	}
	r.task.define(&spec)
}

// view returns the published state of the resource.
func (r *resource) view() ResourceState {
	state := ResourceState{
		Name: r.Name, Disabled: r.disabled, Labels: r.Labels, Spec: r.Resource, Resources: r.resources,
	}
	if r.task.job {
		state.Update = &UpdateState{
			Command: r.updateCommand,
			Hold:    r.updateHold,
			Last:    r.lastUpdate,
			Attempt: r.attempt,
			// A new definition may allow fewer retries than there were.
			Retries:   max(r.Retries, r.attempt),
			Pending:   r.due.pending,
			Queued:    r.due.queued,
			Allowed:   r.due.allowed,
			Wait:      r.updateWait,
			History:   r.history,
			Triggered: r.wants.trigger > 0 && !r.wants.follows,
			Retry:     r.wants.retry || r.updateHold == HoldRetrying,
		}
		if r.updating != nil {
			state.Update.Running = r.updating.start
		}
	}
	if r.task.server {
		state.Runtime = &RuntimeState{
			Verb:             r.Runtime.Verb(),
			Ends:             r.Runtime.Ends(),
			Command:          r.runtimeCommand,
			Running:          r.running,
			Exit:             r.runtimeExit,
			Probed:           r.Runtime.Probed(),
			Detail:           r.detail,
			ReadinessTimeout: r.ReadinessTimeout,
			Restarts:         r.restarts,
			Down:             r.down,
			Hold:             r.serveHold,
			Wait:             r.serveWait,
			Queued:           r.times.queued,
			Allowed:          r.times.allowed,
			Start:            r.times.start,
			Ready:            r.times.ready,
		}
		if r.times.queued.IsZero() {
			// It is requested along with the update.
			state.Runtime.Queued = earliest(r.queued, r.due.queued)
		}
	}
	return state
}

// touch marks a resource as possibly changed since the last snapshot.
func (l *loop) touch(r *resource) {
	if !r.changed {
		r.changed = true
		l.touched = append(l.touched, r)
	}
}

// changePhase marks a resource as in another phase than in the last snapshot.
func (l *loop) changePhase(r *resource) {
	l.touch(r)
	r.phaseChanged = true
}

// publishPhase publishes the phase of a resource before it enters another one.
func (l *loop) publishPhase(r *resource) {
	if r.phaseChanged {
		l.publish()
	}
}

// refresh determines again whether a resource needs an update.
func (l *loop) refresh(r *resource) {
	l.touch(r)
	if r.disabled {
		return
	}
	r.wants.initial = r.AutoInit && !r.task.begun && (!r.image || r.demanded)
	r.wants.changed = r.changes.since()
	wish, order := r.wants.wish(r.TriggerMode)
	if r.image && !r.demanded {
		wish = wishNone
	}
	r.due = r.due.follow(wish, r.wants.since(), l.config.Clock.Now())
	r.task.want(wish, order)
}

// reset stops everything of a resource and clears its state, except for whether it was ever ready or has succeeded.
func (l *loop) reset(r *resource) {
	l.resetUpdate(r)
	l.resetRuntime(r)
	r.watch.stop()
	r.watch = nil
	r.wants, r.redefiners, r.changes, r.due = wants{}, nil, changes{}, due{}
	r.task.reset()
	r.live = live{}
	l.changePhase(r)
}
