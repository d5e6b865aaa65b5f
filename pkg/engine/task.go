// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"tilt.dev/session/pkg/model"
)

// task is all that deciding needs to know of a resource. The zero value is one
// that nobody has asked for.
type task struct {
	// job and server tell what the resource consists of. A resource without a
	// job still has an update, which succeeds the moment that it begins: it's
	// what orders servers among the jobs.
	job, server bool
	// serial is true for a job that runs alone.
	serial bool
	// begun is true once an update has begun: from then on the resource doesn't
	// wait for its dependencies any more, of which unmet counts those that
	// have never been ready or succeeded.
	begun bool
	unmet int
	// wish is why the next update is to begin, order which comes first among
	// those with the same wish: the smallest.
	wish   wish
	order  int64
	update updatePhase
	serve  servePhase
	// oldJob and oldServer are true while there's a process that was given up,
	// because the resource was disabled or removed before it became this one.
	oldJob, oldServer bool
}

// wish is why an update is to begin. Of several wishes the largest one counts.
type wish uint8

const (
	wishNone wish = iota
	// wishPending is for changes that are left to somebody's trigger.
	wishPending
	wishChange
	wishTrigger
	wishInitial
	// wishRetry is for an update that has failed and is due again.
	wishRetry

	wishes
)

// ready is true when nothing of its own keeps an update from beginning.
func (t *task) ready() bool {
	return t.wish.startable() && t.update != updateRunning && !t.oldJob && (t.begun || t.unmet == 0)
}

// startable is true for a wish that leads to an update without anything else.
func (w wish) startable() bool { return w >= wishChange }

// updatePhase is how far the last update of a resource is.
type updatePhase uint8

const (
	updateIdle updatePhase = iota
	updateRunning
	// updateRetrying is an update that has failed and is going to be repeated.
	updateRetrying
	updateSucceeded
	updateFailed
)

// servePhase is how far the server of a resource is.
type servePhase uint8

const (
	serveIdle servePhase = iota
	// serveQueued is a server that's launched once an update has succeeded.
	serveQueued
	// serveStopping is one that runs and is being stopped to be launched again.
	serveStopping
	// serveDue is one that nothing of its own keeps from being launched.
	serveDue
	serveLaunching
	serveRunning
	// serveRestarting is one that has ended and is launched after a while.
	serveRestarting
	serveExited
)

// define sets what a task has of a resource's definition.
func (t *task) define(spec *model.Resource) {
	t.job = spec.Update != nil
	t.server = spec.Serve != nil
	t.serial = t.job && !spec.AllowParallel
}

// reset forgets all that has happened to a resource but whether its
// dependencies and old processes hold it up.
func (t *task) reset() {
	*t = task{
		job: t.job, server: t.server, serial: t.serial,
		unmet: t.unmet, oldJob: t.oldJob, oldServer: t.oldServer,
	}
}

// want sets the wish. A server is wanted along with its update.
func (t *task) want(w wish, order int64) {
	t.wish, t.order = w, order
	switch {
	case !t.server:
	case t.serve == serveIdle && (w.startable() || t.begun):
		t.serve = serveQueued
	case t.serve == serveQueued && !w.startable() && !t.begun:
		t.serve = serveIdle
	}
}

// wants are the reasons for which a resource may have to be updated.
type wants struct {
	// initial is true for a resource that starts by itself and never did.
	initial bool
	// trigger is the number of the first trigger that no update has followed,
	// 0 if there's none.
	trigger uint64
	// redefined and changed are when the definition and the files have changed
	// since the last update, zero if they haven't.
	redefined, changed time.Time
	// retry is true when the last update failed and is due again.
	retry bool
}

// wish returns the strongest of the reasons.
func (w *wants) wish(mode model.TriggerMode) (wish, int64) {
	since := earliest(w.redefined, w.changed)
	switch {
	case w.retry:
		return wishRetry, 0
	case w.initial:
		return wishInitial, 0
	case w.trigger > 0:
		return wishTrigger, int64(w.trigger)
	case since.IsZero():
		return wishNone, 0
	case mode == model.TriggerManual:
		return wishPending, 0
	}
	return wishChange, since.UnixNano()
}

// earliest returns the earlier one of two times, of which a zero one is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
