// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"time"

	"tilt.dev/session/pkg/model"
)

// Wait is since when a target waits, and for what. It is immutable.
type Wait struct {
	// Since is when its present wait began, with whatever reasons since then.
	Since time.Time
	// On are the names of at most maxOn tasks that it waits for now, sorted: resources, images with model.ImagePrefix, or
	// model.TiltfileResource. Its own name stands for the other target of its resource. It is empty if only something
	// else is missing, such as its turn or a trigger.
	On []string
}

// maxOn limits what a snapshot costs while a task waits for very many others.
const maxOn = 100

// due is since when the next update of a task is due. Its times are published in UpdateState.
type due struct {
	pending, queued, allowed time.Time
}

// follow is d after its wish became w. since is when the first change was seen, zero if there is none.
func (d due) follow(w wish, since, now time.Time) due {
	if w == wishNone {
		return due{}
	}
	if d.pending.IsZero() {
		d.pending = earliest(since, now)
	}
	switch {
	case !w.startable():
		d.queued, d.allowed = time.Time{}, time.Time{}
	case !d.queued.IsZero():
	case w == wishChange:
		d.queued = earliest(since, now)
	default:
		d.queued = now
	}
	return d
}

// allow is d after it became known whether only its turn is missing.
func (d due) allow(allowed bool, now time.Time) due {
	switch {
	case !allowed:
		d.allowed = time.Time{}
	case d.allowed.IsZero():
		d.allowed = now
	}
	return d
}

// wait continues the last wait of a target of r for a hold.
func (l *loop) wait(r *resource, last *Wait, hold Hold, now time.Time) *Wait {
	if hold == HoldNone {
		return nil
	}
	on := l.waitsOn(r, hold)
	switch {
	case last == nil:
		return &Wait{now, on}
	case slices.Equal(last.On, on):
		return last
	}
	return &Wait{last.Since, on}
}

// waitsOn are the names of the tasks that a target of r with a hold waits for. What it depends on is among them also
// while it isn't its turn. Which jobs keep it from that isn't: it would change for all waiting targets with each job.
func (l *loop) waitsOn(r *resource, hold Hold) []string {
	switch hold {
	case HoldTiltfileReload:
		return []string{model.TiltfileResource}
	case HoldWaitingForDep, HoldWaitingForLocal, HoldUnparallelizable, HoldBuildingImage:
		if hold == HoldBuildingImage || r.task.free() {
			return slices.Sorted(slices.Values(r.waitsFor))
		}
		return slices.Sorted(slices.Values(l.unmet(r, nil)))
	case HoldWaitingForUpdate, HoldUpdateFailed, HoldWaitingForDeploy, HoldReconciling:
		return []string{r.Name}
	}
	return nil
}

// unmet adds to names those of resources that hold back a task, up to maxOn in all. What holds back all tasks that need
// an image holds back the image.
func (l *loop) unmet(r *resource, names []string) []string {
	for _, user := range r.users {
		switch {
		case !user.needsImages():
		case user.image:
			names = l.unmet(user, names)
		default:
			names = l.lacking(user.BuildDeps, names, func(dep *resource) bool { return dep.met })
		}
	}
	return l.lacking(r.ResourceDeps, names, r.needsNoMore)
}

// lacking adds those of deps to names that aren't enough.
func (l *loop) lacking(deps, names []string, enough func(*resource) bool) []string {
	for _, name := range deps {
		if len(names) >= maxOn {
			break
		}
		if dep := l.byName[name]; dep != nil && !enough(dep) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
