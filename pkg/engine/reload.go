// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// unreported is about the longest time between a change and its report, unless changes are continuous.
const unreported = time.Second

// adopt replaces the project. Whatever both projects have in common continues unaffected.
func (l *loop) adopt(m *evaluated) {
	p := &m.project
	t := &l.tiltfile
	l.settings.slots = max(1, p.MaxParallelUpdates)
	l.environ = process.MergeEnv(l.config.Environ, entries(p.Environ))
	l.ignores = p.Ignores
	names := sets.New(p.Enabled.Names...)
	chosen := func(name string) bool { return p.Enabled.All || names.Has(name) }
	// Resources that were enabled or disabled by request stay so until the arguments change.
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
	l.runCompanions(p.Companions)
}

// entries are changes of an environment in the form that process.MergeEnv takes. A nil value removes a variable.
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

// sinceReload is the time from which changes of a resource's files count if its files are different now. A change
// that was made along with that of the Tiltfile may not have been reported yet.
func (l *loop) sinceReload(r *resource) time.Time {
	if r.watch == nil {
		return l.config.Clock.Now()
	}
	return l.tiltfile.Running.Add(-unreported)
}

// add creates the state of a new resource.
func (l *loop) add(spec model.Resource, disabled bool) *resource {
	r := newResource(spec, disabled)
	// A process of a removed resource of this name may still run.
	r.task.oldJob = l.abandoned[updateTarget(r.Name)] != nil
	r.task.oldServer = l.abandoned[serveTarget(r.Name)] != nil
	l.refresh(r)
	return r
}

// remove ends a resource that the Tiltfile doesn't define.
func (l *loop) remove(r *resource) {
	l.log(r.Name, logs.LevelInfo, fmt.Sprintf("Resource %q is no longer in the Tiltfile", r.Name))
	l.reset(r)
	r.index = -1
}

// redefine changes the definition of a resource. paths are the changed files that caused it.
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

// link connects the resources with those that they depend on.
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

// rebuilds reports whether a change of a resource's definition requires an update. A change of when it runs or how
// it is shown does not. Its first links do, as in Tilt.
func rebuilds(before, after *model.Resource) bool {
	return !reflect.DeepEqual(before.Update, after.Update) ||
		!reflect.DeepEqual(before.Serve, after.Serve) ||
		!reflect.DeepEqual(before.Readiness, after.Readiness) ||
		before.AllowParallel != after.AllowParallel ||
		!sameIgnores(before.Ignores, after.Ignores) ||
		len(before.Links) == 0 && len(after.Links) > 0
}
