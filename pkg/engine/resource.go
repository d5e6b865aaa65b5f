// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"tilt.dev/session/pkg/model"
)

// resource is what the loop knows of a resource.
type resource struct {
	model.Resource
	disabled bool
	// task is what deciding knows of it.
	task *task
	// updateCommand and serveCommand are the commands as a person would write
	// them.
	updateCommand, serveCommand string

	// met is true once the resource has been ready or has succeeded. It stays
	// true. dependents are the resources that wait for it.
	met        bool
	dependents []*resource

	// update is the job's execution that's going on, lastUpdate how the last
	// one ended.
	update     *execution
	lastUpdate *Exit
	// again is true when the job was triggered while it ran.
	again bool

	// serve is the server's execution from its launch to its end. process is
	// set once it runs, serveExit once it has ended.
	serve     *execution
	process   *ServerProcess
	serveExit *Exit
	lastProbe string
	// replaced is true while the server is stopped to be launched anew.
	replaced bool

	// changed is true when the last snapshot shows something else. The holds
	// are those of the last snapshot.
	changed               bool
	updateHold, serveHold Hold
}

// view returns the resource as it's published.
func (r *resource) view() ResourceState {
	state := ResourceState{Name: r.Name, Disabled: r.disabled, Labels: r.Labels}
	if r.task.job {
		state.Update = &UpdateState{Command: r.updateCommand, Hold: r.updateHold, Last: r.lastUpdate}
		if r.update != nil {
			state.Update.Running = r.update.start
			state.Update.PID = r.update.pid()
		}
	}
	if r.task.server {
		state.Serve = &ServeState{
			Command:   r.serveCommand,
			Hold:      r.serveHold,
			Process:   r.process,
			Exit:      r.serveExit,
			LastProbe: r.lastProbe,
		}
	}
	return state
}

// newResources returns the resources of a project and, at the same indexes,
// their tasks: those that are enabled and start by themselves are queued.
func newResources(project *model.Project) ([]*resource, []task) {
	resources := make([]*resource, len(project.Resources))
	tasks := make([]task, len(project.Resources))
	enabled := make(map[string]bool, len(project.Enabled.Names))
	for _, name := range project.Enabled.Names {
		enabled[name] = true
	}
	byName := make(map[string]*resource, len(resources))
	for i, spec := range project.Resources {
		disabled := !project.Enabled.All && !enabled[spec.Name]
		tasks[i] = newTask(&spec, spec.AutoInit && !disabled)
		r := &resource{Resource: spec, disabled: disabled, task: &tasks[i], changed: true}
		if spec.Update != nil {
			r.updateCommand = spec.Update.String()
		}
		if spec.Serve != nil {
			r.serveCommand = spec.Serve.String()
		}
		resources[i] = r
		byName[spec.Name] = r
	}
	for _, r := range resources {
		for _, name := range r.ResourceDeps {
			if dep := byName[name]; dep != nil {
				dep.dependents = append(dep.dependents, r)
				r.task.unmet++
			}
		}
	}
	return resources, tasks
}
