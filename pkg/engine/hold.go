// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

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
