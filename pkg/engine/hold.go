// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "slices"

// Hold is why a requested job or server doesn't run yet. Holds are published as wait reasons.
type Hold string

// The holds that Tilt has for local resources, with its names, and those for which Tilt reports "unknown".
const (
	HoldNone             Hold = ""
	HoldTiltfileReload   Hold = "tiltfile-reload"
	HoldWaitingForLocal  Hold = "waiting-for-local"
	HoldUnparallelizable Hold = "is-unparallelizable-local"
	HoldWaitingForDep    Hold = "waiting-for-dep"
	HoldWaitingForSlot   Hold = "waiting-for-slot"
	HoldWaitingForUpdate Hold = "waiting-for-update"
	HoldUpdateFailed     Hold = "update-failed"
	HoldStarting         Hold = "starting"
	HoldPendingTrigger   Hold = "pending-trigger"
	HoldBuildingImage    Hold = "building-component"
	// HoldWaitingForDeploy is for changed files before the containers of a deploy run, HoldReconciling is for those while
	// containers that have run don't.
	HoldWaitingForDeploy Hold = "waiting-for-deploy"
	HoldReconciling      Hold = "reconciling"
	// HoldRetrying is for a failed job before its retry, HoldRestarting for a server
	// that ended, before its next launch.
	HoldRetrying   Hold = "retrying"
	HoldRestarting Hold = "restarting"
	// HoldAfterFailure is for what could start, but doesn't because of an earlier failure.
	HoldAfterFailure Hold = "after-failure"
)

// known are all of these.
var known = []Hold{
	HoldTiltfileReload, HoldWaitingForLocal, HoldUnparallelizable, HoldWaitingForDep, HoldWaitingForSlot,
	HoldWaitingForUpdate, HoldUpdateFailed, HoldStarting, HoldPendingTrigger, HoldBuildingImage, HoldWaitingForDeploy,
	HoldReconciling, HoldRetrying, HoldRestarting, HoldAfterFailure,
}

// IsHold reports whether a wait reason is a hold, rather than the reason of a runtime that has begun.
func IsHold(reason string) bool { return slices.Contains(known, Hold(reason)) }

// holds returns why the update and the server of a resource wait, before next has started anything.
func holds(t *task, c conditions) (update, serve Hold) {
	switch {
	case t.update == updateRunning:
	case t.wish.startable():
		update = updateHold(t, c)
	case t.update == updateRetrying:
		update = HoldRetrying
	case t.wish == wishPending:
		update = HoldPendingTrigger
	case t.begun && t.blocked == HoldBuildingImage:
		// Whether it leads to an update is known when it is built.
		update = HoldBuildingImage
	}
	if t.server {
		serve = serveHold(t, update, c)
	}
	if !t.job {
		update = HoldNone
	}
	return update, serve
}

// updateHold returns why a queued update can't start now, or HoldStarting if next starts it. Of several reasons it
// returns the first that Tilt would.
func updateHold(t *task, c conditions) Hold {
	switch {
	case c.reloading:
		return HoldTiltfileReload
	case c.alone || t.oldJob:
		return HoldWaitingForLocal
	case t.serial && c.busy:
		return HoldUnparallelizable
	case !t.free():
		return HoldWaitingForDep
	case t.blocked != HoldNone:
		return t.blocked
	case c.full && !t.light:
		return HoldWaitingForSlot
	case c.halted:
		return HoldAfterFailure
	}
	return HoldStarting
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
	case t.job && (update == HoldWaitingForSlot || update == HoldBuildingImage ||
		update == HoldAfterFailure || update == HoldStarting):
		return HoldWaitingForUpdate
	}
	return update
}
