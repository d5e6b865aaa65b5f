// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"tilt.dev/session/pkg/model"
)

// task is the part of a resource's state that decisions depend on. The zero value was never requested.
type task struct {
	// job and server are the parts of the resource. A resource without a job still has an update, which succeeds
	// when it begins: it gives the server its place in the order of starts.
	job, server bool
	// serial is true for a job that must run alone, light for one that takes no slot.
	serial, light bool
	// begun is true once an update has begun. From then on the resource doesn't wait for its dependencies. unmet
	// counts those that were never ready and never succeeded.
	begun bool
	// awaits is true if an image has ended all updates before they began, so that the dependencies still count.
	awaits bool
	unmet  int
	// wish is why the next update is to begin. Updates with the same wish begin in ascending order.
	wish   wish
	order  int64
	update updatePhase
	serve  servePhase
	// blocked is why the update waits for what it uses: for an image that is to be built, or for containers.
	blocked Hold
	// oldJob and oldServer are true while an abandoned process of an earlier state of the resource exists.
	oldJob, oldServer bool
}

// wish is why an update is to begin. Of several wishes the largest applies.
type wish uint8

const (
	wishNone wish = iota
	// wishPending is for changes that need a trigger.
	wishPending
	wishChange
	wishTrigger
	wishInitial
	// wishRetry is for a failed update whose retry is due.
	wishRetry

	wishes
)

// ready reports whether the state of the task allows an update to begin.
func (t *task) ready() bool {
	return t.wish.startable() && t.update != updateRunning && !t.oldJob && t.blocked == HoldNone && t.free()
}

// free reports whether the dependencies allow an update to begin.
func (t *task) free() bool { return t.unmet == 0 || t.begun && !t.awaits }

// startable reports whether a wish leads to an update without a trigger.
func (w wish) startable() bool { return w >= wishChange }

// updatePhase is the phase of the last update of a resource.
type updatePhase uint8

const (
	updateIdle updatePhase = iota
	updateRunning
	// updateRetrying is for a failed update before its retry.
	updateRetrying
	updateSucceeded
	updateFailed
)

// servePhase is the phase of the server of a resource.
type servePhase uint8

const (
	serveIdle servePhase = iota
	// serveQueued is for a server that starts once an update has succeeded.
	serveQueued
	// serveStopping is for a server that is being stopped to be launched again.
	serveStopping
	// serveDue is for a server whose state allows its launch.
	serveDue
	serveLaunching
	serveRunning
	// serveRestarting is for a server that ended, before its next launch.
	serveRestarting
	serveExited
)

// define sets the parts of a task that come from a resource's definition.
func (t *task) define(spec *model.Resource) {
	t.job = spec.Update != nil
	t.server = spec.Runtime != nil
	t.serial = t.job && !spec.AllowParallel
	t.light = !t.serial && model.Light(spec.Update)
}

// reset clears the state of a task, except for its dependencies and abandoned processes.
func (t *task) reset() {
	*t = task{
		job: t.job, server: t.server, serial: t.serial, light: t.light,
		unmet: t.unmet, blocked: t.blocked, oldJob: t.oldJob, oldServer: t.oldServer,
	}
}

// want sets the wish. It queues the server along with the update.
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

// wants are the reasons for an update of a resource.
type wants struct {
	// initial is true for a resource that starts by itself and never did.
	initial bool
	// trigger is the number of the first trigger since the last update, 0 if there is none. follows is true if it is the
	// update of a dependency.
	trigger uint64
	follows bool
	// redefined, changed and rebuilt are when the definition, the files and the images changed since the last update,
	// zero if they didn't.
	redefined, changed, rebuilt time.Time
	// live is since when containers lack files that a live update can bring, zero if they don't.
	live time.Time
	// resync is true if the containers lack files that no trigger is needed for, because they start anew.
	resync bool
	// retry is true if the last update failed and its retry is due.
	retry bool
}

// wish returns the strongest of the reasons.
func (w *wants) wish(mode model.TriggerMode) (wish, int64) {
	since := w.since()
	switch {
	case w.retry:
		return wishRetry, 0
	case w.initial:
		return wishInitial, 0
	case w.trigger > 0:
		return wishTrigger, int64(w.trigger)
	case since.IsZero():
		return wishNone, 0
	case mode == model.TriggerManual && !(w.resync && w.redefined.IsZero() && w.changed.IsZero() && w.rebuilt.IsZero()):
		return wishPending, 0
	}
	return wishChange, since.UnixNano()
}

// since is when the first change was seen, zero if there is none.
func (w *wants) since() time.Time {
	return earliest(earliest(w.redefined, w.changed), earliest(w.rebuilt, w.live))
}

// earliest returns the earlier of two times. A zero time is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
