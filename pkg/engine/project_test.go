// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"

	"tilt.dev/session/pkg/model"
)

// projectOf is a project of enabled resources with three slots.
func projectOf(resources ...model.Resource) model.Project {
	return model.Project{
		Resources:          resources,
		Enabled:            model.Selection{All: true},
		MaxParallelUpdates: 3,
		CI:                 &model.CISettings{},
	}
}

type option func(*model.Resource)

func job(name string, options ...option) model.Resource {
	return resourceOf(name, append([]option{func(r *model.Resource) {
		r.Update = &model.Command{Argv: []string{name, "update"}}
	}}, options...))
}

func server(name string, options ...option) model.Resource {
	return resourceOf(name, append([]option{serving}, options...))
}

func resourceOf(name string, options []option) model.Resource {
	r := model.Resource{Name: name, AutoInit: true}
	for _, o := range options {
		o(&r)
	}
	return r
}

func serving(r *model.Resource) {
	r.Runtime = &model.Server{Command: model.Command{Argv: []string{r.Name, "serve"}}}
}

func withProbe(r *model.Resource) {
	r.Runtime.(*model.Server).Readiness = &model.Probe{Exec: &model.ExecAction{Argv: []string{r.Name}}}
}

func parallel(r *model.Resource) { r.AllowParallel = true }

func noInit(r *model.Resource) { r.AutoInit = false }

func manual(r *model.Resource) { r.TriggerMode = model.TriggerManual }

// on makes a resource depend on files.
func on(paths ...string) option {
	return func(r *model.Resource) { r.Deps = paths }
}

func after(deps ...string) option {
	return func(r *model.Resource) { r.ResourceDeps = deps }
}

func jobs(n int, options ...option) []model.Resource {
	var list []model.Resource
	for i := range n {
		list = append(list, job(fmt.Sprintf("j%d", i), options...))
	}
	return list
}
