// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"tilt.dev/session/pkg/model"
)

// resource is what the loop knows of a resource.
type resource struct {
	model.Resource
	disabled bool
	// index is the place in the order of definition, -1 once the Tiltfile
	// doesn't have the resource any more.
	index int
	// task is what deciding knows of it.
	task *task

	// met is true once the resource has been ready or has succeeded. It stays
	// true. dependents are the resources that wait for it.
	met        bool
	dependents []*resource

	// wants are the reasons for the next update, redefiners the files whose
	// change has led to another definition since the last one.
	wants      wants
	redefiners []string
	// changes are those of its files, which watch is about.
	changes changes
	watch   *watch

	update
	serve

	// changed is true when the last snapshot shows something else, turned when
	// that's another phase, which no reader is to miss.
	changed, turned bool
	// shown is what the last snapshot shows.
	shown                 ResourceState
	updateHold, serveHold Hold
}

// update is what the loop knows of the job of a resource.
type update struct {
	// updateCommand is the command as a person would write it.
	updateCommand string
	// updating is the execution that's going on, lastUpdate how the last one
	// ended.
	updating   *execution
	lastUpdate *Exit
	// attempt counts the repetitions of the update that's going on or that was
	// the last, retry makes the next one due.
	attempt int
	retry   *timer
}

// serve is what the loop knows of the server of a resource.
type serve struct {
	// serveCommand is the command as a person would write it.
	serveCommand string
	// serving is the server's execution from its launch to its end. process is
	// set once it runs, and while it's replaced; serveExit once it has ended.
	serving   *execution
	process   *ServerProcess
	serveExit *Exit
	lastProbe string
	// restarts counts the launches after ends, restart makes the next one due,
	// and pause is what it waited for last.
	restarts int
	restart  *timer
	pause    pause
	// down is what's published as Down.
	down time.Time
}

func newResource(spec model.Resource, disabled bool) *resource {
	r := &resource{disabled: disabled, task: &task{}}
	r.define(spec)
	return r
}

// define gives a resource another definition.
func (r *resource) define(spec model.Resource) {
	r.Resource = spec
	r.updateCommand, r.serveCommand = "", ""
	if spec.Update != nil {
		r.updateCommand = spec.Update.String()
	}
	if spec.Serve != nil {
		r.serveCommand = spec.Serve.String()
	}
	r.task.define(&spec)
}

// view returns the resource as it's published.
func (r *resource) view() ResourceState {
	state := ResourceState{Name: r.Name, Disabled: r.disabled, Labels: r.Labels}
	if r.task.job {
		state.Update = &UpdateState{
			Command: r.updateCommand,
			Hold:    r.updateHold,
			Last:    r.lastUpdate,
			Attempt: r.attempt,
			// Another definition may have fewer than were used up before.
			Retries: max(r.Retries, r.attempt),
		}
		if r.updating != nil {
			state.Update.Running = r.updating.start
		}
	}
	if r.task.server {
		state.Serve = &ServeState{
			Command:          r.serveCommand,
			Process:          r.process,
			Exit:             r.serveExit,
			Probed:           r.Readiness != nil,
			LastProbe:        r.lastProbe,
			ReadinessTimeout: r.ReadinessTimeout,
			Restarts:         r.restarts,
			Down:             r.down,
		}
		if r.process == nil && r.serveExit == nil {
			state.Serve.Hold = r.serveHold
		}
	}
	return state
}

// touch has a resource looked at for the next snapshot.
func (l *loop) touch(r *resource) {
	if !r.changed {
		r.changed = true
		l.touched = append(l.touched, r)
	}
}

// turn is a touch after which the resource is in another phase.
func (l *loop) turn(r *resource) {
	l.touch(r)
	r.turned = true
}

// present publishes a phase of a resource before it goes over into another one.
func (l *loop) present(r *resource) {
	if r.turned {
		l.publish()
	}
}

// refresh finds out anew whether a resource is to be updated.
func (l *loop) refresh(r *resource) {
	l.touch(r)
	if r.disabled {
		return
	}
	r.wants.initial = r.AutoInit && !r.task.begun
	r.wants.changed = r.changes.since()
	r.task.want(r.wants.wish(r.TriggerMode))
}

// meet lets those go on that wait for r to have been ready or to have
// succeeded once.
func (l *loop) meet(r *resource) {
	if r.met {
		return
	}
	r.met = true
	for _, dependent := range r.dependents {
		dependent.task.unmet--
		l.touch(dependent)
	}
}

// reset ends everything of a resource and forgets what has happened to it, but
// not whether it was ever ready or has succeeded.
func (l *loop) reset(r *resource) {
	l.resetUpdate(r)
	l.resetServe(r)
	r.watch.stop()
	r.watch = nil
	r.wants, r.redefiners, r.changes = wants{}, nil, changes{}
	r.task.reset()
	l.turn(r)
}
