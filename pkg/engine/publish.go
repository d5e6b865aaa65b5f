// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "slices"

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
