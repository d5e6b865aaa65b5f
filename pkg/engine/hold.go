// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

// holds returns why the update and the server of a resource wait, before next has started anything.
func holds(t *task, c conditions) (update, serve Hold) {
	switch {
	case t.update == updateRunning:
	case t.wish.startable():
		update = updateHold(t, c)
		switch {
		case update != HoldNone:
		case c.halted:
			update = HoldAfterFailure
		default:
			update = HoldStarting
		}
	case t.update == updateRetrying:
		update = HoldRetrying
	case t.wish == wishPending:
		update = HoldPendingTrigger
	}
	if t.server {
		serve = serveHold(t, update, c)
	}
	if !t.job {
		update = HoldNone
	}
	return update, serve
}

// updateHold returns why a queued update can't start now, or HoldNone if next starts
// it. Of several reasons it returns the first that Tilt would.
func updateHold(t *task, c conditions) Hold {
	switch {
	case c.reloading:
		return HoldTiltfileReload
	case c.alone || t.oldJob:
		return HoldWaitingForLocal
	case t.serial && c.busy:
		return HoldUnparallelizable
	case t.unmet > 0 && !t.begun:
		return HoldWaitingForDep
	case c.full:
		return HoldWaitingForSlot
	}
	return HoldNone
}

// serveHold returns why a server doesn't run, given the hold of its update.
func serveHold(t *task, update Hold, c conditions) Hold {
	switch t.serve {
	case serveLaunching, serveStopping:
		return HoldStarting
	case serveRestarting:
		return HoldRestarting
	case serveDue:
		if c.halted {
			return HoldAfterFailure
		}
		return HoldStarting
	case serveQueued:
	default:
		return HoldNone
	}
	switch {
	case t.update == updateRunning || t.update == updateRetrying:
		return HoldWaitingForUpdate
	case t.update == updateFailed && (update == HoldNone || update == HoldPendingTrigger):
		return HoldUpdateFailed
	case t.job && (update == HoldWaitingForSlot || update == HoldAfterFailure || update == HoldStarting):
		return HoldWaitingForUpdate
	}
	return update
}
