// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "slices"

// publish makes a snapshot of what has changed since the last one. Unchanged
// resources are shared between snapshots.
func (l *loop) publish() {
	last := l.engine.snapshot.Load()
	resources, changed := l.views(last.Resources)
	if !changed && l.tiltfile.equal(&last.Tiltfile) {
		return
	}
	snapshot := *last
	snapshot.Version++
	snapshot.Tiltfile = l.tiltfile
	snapshot.Resources = resources
	l.engine.snapshot.Store(&snapshot)
	if l.config.OnChange != nil {
		l.config.OnChange(&snapshot)
	}
}

// views returns the states of all resources, and whether they differ from the
// last ones, which are left as they are.
func (l *loop) views(last []ResourceState) (views []ResourceState, changed bool) {
	views = last
	if len(last) != len(l.resources) {
		views, changed = make([]ResourceState, len(l.resources)), true
	}
	load := measure(l.tasks, l.settings)
	for i, r := range l.resources {
		update, serve := holds(r.task, load, l.settings)
		if !r.changed && update == r.updateHold && serve == r.serveHold {
			continue
		}
		if !changed {
			views, changed = slices.Clone(last), true
		}
		r.changed, r.updateHold, r.serveHold = false, update, serve
		views[i] = r.view()
	}
	return views, changed
}
