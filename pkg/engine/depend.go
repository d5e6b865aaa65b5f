// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "slices"

// link connects the resources with those that they depend on.
func (l *loop) link() {
	for _, r := range l.resources {
		r.dependents = nil
		r.task.unmet = 0
	}
	for _, r := range l.resources {
		for _, name := range r.ResourceDeps {
			dep := l.byName[name]
			if dep == nil || r.needsNoMore(dep) {
				continue
			}
			dep.dependents = append(dep.dependents, r)
			r.task.unmet++
		}
	}
}

// needsNoMore reports whether dep doesn't hold back r.
func (r *resource) needsNoMore(dep *resource) bool {
	return dep.met ||
		dep.started && slices.Contains(r.StartedDeps, dep.Name) ||
		dep.lost() && slices.Contains(r.OptionalDeps, dep.Name)
}

// lost reports whether a resource is disabled, has failed, or doesn't start by itself.
func (r *resource) lost() bool {
	return r.disabled || !r.AutoInit && !r.task.begun || r.task.update == updateFailed || r.task.serve == serveExited ||
		r.running != nil && r.running.Phase == Failed
}

// release ends the wait of the resources that r doesn't hold back.
func (l *loop) release(r *resource) {
	r.dependents = slices.DeleteFunc(r.dependents, func(dependent *resource) bool {
		if !dependent.needsNoMore(r) {
			return false
		}
		dependent.task.unmet--
		l.touch(dependent)
		return true
	})
}

// markMet records that r has been ready or has succeeded.
func (l *loop) markMet(r *resource) {
	if !r.met {
		r.met = true
		l.release(r)
	}
}

// markStarted records that an update of r has succeeded. Those that follow the first one are passed on.
func (l *loop) markStarted(r *resource) {
	if !r.started {
		r.started = true
		l.release(r)
		return
	}
	for _, dependent := range l.resources {
		if dependent.task.begun && slices.Contains(dependent.RestartDeps, r.Name) {
			dependent.wants.follows = true
			l.want(dependent)
		}
	}
}
