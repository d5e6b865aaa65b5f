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
	l.environ = process.MergeEnv(l.config.Environ, p.EnvironEntries())
	l.ignores = p.Ignores
	names := sets.New(p.Enabled.Names...)
	chosen := func(name string) bool { return p.Enabled.All || names.Has(name) }
	// Resources that were enabled or disabled by request stay so until the arguments change.
	keep := t.adopted.Path == m.in.Path && slices.Equal(t.adopted.Args, m.in.Args)
	t.adopted = m.in

	count := len(p.Resources) + len(p.Images)
	resources, images := l.byName, l.images
	l.byName, l.images = make(map[string]*resource, len(p.Resources)), make(map[string]*resource, len(p.Images))
	l.resources, l.tasks = make([]*resource, 0, count), make([]task, 0, count)
	l.reordered = true
	for _, spec := range p.Resources {
		r := resources[spec.Name]
		delete(resources, spec.Name)
		if r == nil {
			r = l.add(spec, !chosen(spec.Name))
		} else {
			l.redefine(r, spec, m.paths)
			if !keep {
				l.enable(r, chosen(spec.Name))
			}
		}
		l.byName[r.Name] = r
		l.place(r)
	}
	l.firstImage = len(l.resources)
	for i := range p.Images {
		image := &p.Images[i]
		r := images[image.Name]
		delete(images, image.Name)
		if r == nil {
			r = l.addImage(image)
		} else {
			l.redefine(r, imageSpec(image), m.paths)
		}
		l.images[image.Name] = r
		l.place(r)
	}
	for _, r := range resources {
		l.remove(r)
	}
	for _, r := range images {
		l.remove(r)
	}
	l.link()
	l.linkImages()
	l.linkLive()
	l.settleImages()
	for _, r := range l.resources {
		if !r.disabled {
			l.watchFiles(r, l.sinceReload(r))
		}
	}
	l.runCompanions(p.Companions)
	l.buttons = p.Buttons
	if l.config.Adopted != nil {
		l.config.Adopted(p)
	}
}

// place gives a task its place among the others.
func (l *loop) place(r *resource) {
	r.index = len(l.resources)
	l.resources, l.tasks = append(l.resources, r), append(l.tasks, *r.task)
	r.task = &l.tasks[r.index]
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
	l.awaitAbandoned(r)
	l.refresh(r)
	return r
}

// addImage creates the state of a new image.
func (l *loop) addImage(image *model.Image) *resource {
	r := newResource(imageSpec(image), false)
	r.image = true
	l.awaitAbandoned(r)
	l.refresh(r)
	return r
}

// awaitAbandoned makes a new task wait for activities of a removed one of its name.
func (l *loop) awaitAbandoned(r *resource) {
	r.task.oldJob = l.abandoned[r.updateTarget()] != nil
	r.task.oldServer = l.abandoned[r.runtimeTarget()] != nil
}

// remove ends a resource that the Tiltfile doesn't define.
func (l *loop) remove(r *resource) {
	if !r.image {
		l.log(r.Name, logs.LevelInfo, fmt.Sprintf("Resource %q is no longer in the Tiltfile", r.Name))
	}
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
	if before.Runtime != nil && !r.task.server {
		l.resetRuntime(r)
		r.task.serve = serveIdle
	}
	switch {
	case model.NeedsUpdate(before, &spec):
		r.changes.forget()
		r.wants.redefined = earliest(r.wants.redefined, now)
		r.redefiners = append(r.redefiners, paths...)
	case !reflect.DeepEqual(before.Runtime, spec.Runtime) || !reflect.DeepEqual(before.LiveUpdates, spec.LiveUpdates):
		l.redefineRuntime(r)
	}
	l.refresh(r)
}
