// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"slices"
	"time"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// unreported is how long it may take until a change is reported, if others don't
// follow it all the time.
const unreported = time.Second

// adopt makes a project the one that's run. What it has in common with the one
// before goes on as if nothing had happened.
func (l *loop) adopt(m *evaluated) {
	p := &m.project
	t := &l.tiltfile
	l.settings.slots = max(1, p.MaxParallelUpdates)
	l.environ = process.MergeEnv(l.config.Environ, entries(p.Environ))
	l.ignores = p.Ignores
	chosen := choice(&p.Enabled)
	// What people have switched stays as it is until they choose anew.
	keep := t.adopted.Path == m.in.Path && slices.Equal(t.adopted.Args, m.in.Args)
	t.adopted = m.in

	last := l.byName
	l.byName = make(map[string]*resource, len(p.Resources))
	l.resources = make([]*resource, len(p.Resources))
	l.tasks = make([]task, len(p.Resources))
	l.reordered = true
	for i, spec := range p.Resources {
		r := last[spec.Name]
		delete(last, spec.Name)
		if r == nil {
			r = l.add(spec, !chosen(spec.Name))
		} else {
			l.redefine(r, spec, m.paths)
			if !keep {
				l.enable(r, chosen(spec.Name))
			}
		}
		l.byName[r.Name], l.resources[i], r.index = r, r, i
		l.tasks[i] = *r.task
		r.task = &l.tasks[i]
	}
	for _, r := range last {
		l.remove(r)
	}
	l.link()
	for _, r := range l.resources {
		if !r.disabled {
			l.watchFiles(r, l.sinceReload(r))
		}
	}
	l.accompany(p.Companions)
}

// entries are changes of an environment in the form that process.MergeEnv takes.
// A nil value removes a variable.
func entries(changes map[string]*string) []string {
	var entries []string
	for key, value := range changes {
		if value != nil {
			key += "=" + *value
		}
		entries = append(entries, key)
	}
	slices.Sort(entries)
	return entries
}

// sinceReload is from when on changes of a resource's files matter if they're
// others than before. What was edited along with the Tiltfile has been noticed
// by then, but maybe not been reported.
func (l *loop) sinceReload(r *resource) time.Time {
	if r.watch == nil {
		return l.config.Clock.Now()
	}
	return l.tiltfile.Running.Add(-unreported)
}

// choice tells which resources a project has enabled.
func choice(s *model.Selection) func(name string) bool {
	names := make(map[string]bool, len(s.Names))
	for _, name := range s.Names {
		names[name] = true
	}
	return func(name string) bool { return s.All || names[name] }
}

// add makes a resource known that wasn't there before.
func (l *loop) add(spec model.Resource, disabled bool) *resource {
	r := newResource(spec, disabled)
	// One of the same name may just have been removed.
	r.task.oldJob = l.leaving[updateTarget(r.Name)] != nil
	r.task.oldServer = l.leaving[serveTarget(r.Name)] != nil
	l.refresh(r)
	return r
}

// remove ends a resource that isn't there any more.
func (l *loop) remove(r *resource) {
	l.log(r.Name, logs.LevelInfo, fmt.Sprintf("Resource %q is no longer in the Tiltfile", r.Name))
	l.reset(r)
	r.index = -1
}

// redefine gives a resource another definition. paths are the files whose
// change has led to it.
func (l *loop) redefine(r *resource, spec model.Resource, paths []string) {
	before := r.Resource
	now := l.config.Clock.Now()
	r.define(spec)
	if before.Update != nil && !r.task.job {
		l.resetUpdate(r)
		r.changes.end(now)
		r.task.update = updateIdle
	}
	if before.Serve != nil && !r.task.server {
		l.resetServe(r)
		r.task.serve = serveIdle
	}
	if rebuilds(&before, &spec) {
		r.changes.forget()
		r.wants.redefined = earliest(r.wants.redefined, now)
		r.redefiners = append(r.redefiners, paths...)
	}
	l.refresh(r)
}

// link has the resources wait for those that they depend on now.
func (l *loop) link() {
	for _, r := range l.resources {
		r.dependents = nil
		r.task.unmet = 0
	}
	for _, r := range l.resources {
		for _, name := range r.ResourceDeps {
			dep := l.byName[name]
			if dep == nil || dep.met {
				continue
			}
			dep.dependents = append(dep.dependents, r)
			r.task.unmet++
		}
	}
}
