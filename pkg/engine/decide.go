// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

// task is all that deciding needs to know of a resource. The zero value is one
// that nobody has asked for.
type task struct {
	// job and server tell what the resource consists of. A resource without a
	// job still has an update, which succeeds the moment that it begins: it's
	// what orders servers among the jobs.
	job, server bool
	// serial is true for a job that runs alone.
	serial bool
	update updatePhase
	serve  servePhase
	// unmet counts the dependencies that have never been ready or succeeded.
	unmet int
}

// updatePhase is how far the update of a resource is.
type updatePhase uint8

const (
	updateIdle updatePhase = iota
	updateQueued
	updateRunning
	updateSucceeded
	updateFailed
)

// servePhase is how far the server of a resource is.
type servePhase uint8

const (
	serveIdle servePhase = iota
	// serveQueued is a server that's launched once its update has succeeded.
	serveQueued
	serveLaunching
	serveRunning
	serveExited
)

// settings are what deciding needs to know besides the resources.
type settings struct {
	// slots is how many jobs may run at once.
	slots int
	// reloading is true while the Tiltfile has changes that weren't evaluated.
	reloading bool
	// failFast stops every start after a failure, of which the Tiltfile's own
	// is told by tiltfileFailed.
	failFast, tiltfileFailed bool
}

// load is what all resources together are doing.
type load struct {
	// running counts the jobs that run, alone is true when one of them doesn't
	// allow others beside it.
	running int
	alone   bool
	// halted is true when nothing new is started any more.
	halted bool
}

// start is a decision: the update of a resource begins, or its server is
// launched.
type start struct {
	resource int
	server   bool
}

// measure sums up what the tasks are doing.
func measure(tasks []task, s settings) load {
	var l load
	failed := s.tiltfileFailed
	for i := range tasks {
		t := &tasks[i]
		if t.update == updateRunning {
			l.running++
			l.alone = l.alone || t.serial
		}
		failed = failed || t.update == updateFailed || t.serve == serveExited
	}
	l.halted = failed && s.failFast
	return l
}

// next appends to starts what can be started now, in the order in which it's
// to be started. Since an update without a job succeeds at once, there may be
// more to start after these were.
//
// Updates are started in the order of definition. One that can't start doesn't
// hold back those behind it.
func next(starts []start, tasks []task, s settings) []start {
	l := measure(tasks, s)
	if l.halted {
		return starts
	}
	for i := range tasks {
		t := &tasks[i]
		if t.serve == serveQueued && t.update == updateSucceeded {
			starts = append(starts, start{i, true})
		}
		if t.update != updateQueued || updateHold(t, l, s) != HoldNone {
			continue
		}
		starts = append(starts, start{i, false})
		if t.job {
			l.running++
			l.alone = t.serial
		}
	}
	return starts
}

// holds returns why the update and the server of a resource wait. It's right
// only after everything that next returned was started.
func holds(t *task, l load, s settings) (update, serve Hold) {
	if t.update == updateQueued {
		update = updateHold(t, l, s)
		if update == HoldNone {
			update = HoldAfterFailure
		}
	}
	if t.server {
		serve = serveHold(t, update)
	}
	if !t.job {
		update = HoldNone
	}
	return update, serve
}

// updateHold returns why a queued update can't start beside what runs, or
// nothing if it can. Of several reasons it's the first one that Tilt would
// give.
func updateHold(t *task, l load, s settings) Hold {
	switch {
	case s.reloading:
		return HoldTiltfileReload
	case l.alone:
		return HoldWaitingForLocal
	case t.serial && l.running > 0:
		return HoldUnparallelizable
	case t.unmet > 0:
		return HoldWaitingForDep
	case l.running >= s.slots:
		return HoldWaitingForSlot
	}
	return HoldNone
}

// serveHold returns why a server wasn't launched, given the hold of its update.
func serveHold(t *task, update Hold) Hold {
	switch t.serve {
	case serveLaunching:
		return HoldStarting
	case serveQueued:
	default:
		return HoldNone
	}
	switch t.update {
	case updateFailed:
		return HoldUpdateFailed
	case updateSucceeded:
		return HoldAfterFailure
	case updateRunning:
		return HoldWaitingForUpdate
	}
	if t.job && (update == HoldWaitingForSlot || update == HoldAfterFailure) {
		return HoldWaitingForUpdate
	}
	return update
}
