// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// KeepGoing tells whether a ci Session goes on after a failure with what
// doesn't depend on it.
func KeepGoing(s *v1alpha1.Session) bool {
	keepGoing, _ := v1alpha1.ParseKeepGoing(s.Annotations[v1alpha1.AnnotationKeepGoing]) // who has set it was warned
	return keepGoing
}

// FailFast tells whether nothing new is worth starting after a failure, because
// the failure decides about the Session.
func FailFast(s *v1alpha1.Session) bool {
	return s.Spec.ExitCondition == v1alpha1.ExitConditionCI && !KeepGoing(s)
}

// MayEnd tells whether Status may find a verdict in snap, at a small part of
// its cost. It may be wrong where it says so, and is right where it doesn't, but
// for verdicts that Status has announced as its next moment.
func MayEnd(snap *engine.Snapshot, current *v1alpha1.Session) bool {
	switch current.Spec.ExitCondition {
	case v1alpha1.ExitConditionManual:
		return false
	case v1alpha1.ExitConditionCI:
	default:
		return true
	}
	if reloading(&snap.Tiltfile) {
		return false
	}
	var failed, working, slow, stuck bool
	note := func(phase Phase, hold engine.Hold) {
		switch phase {
		case PhaseFailed:
			failed = true
		case PhaseActive:
			working = true
		case PhaseWaiting:
			working = working || resolves(hold)
			stuck = true
		}
	}
	note(tiltfilePhase(&snap.Tiltfile), engine.HoldTiltfileReload)
	for i := range snap.Resources {
		r := &snap.Resources[i]
		if r.Update != nil {
			note(updatePhase(r), r.Update.Hold)
		}
		// A server may turn out to be late by now, which is a kind of failure.
		if gettingReady(r) {
			slow = true
		} else if r.Serve != nil {
			note(servePhase(r), r.Serve.Hold)
		}
	}
	if KeepGoing(current) && (failed || slow) {
		return !working
	}
	return failed || !working && !slow && !stuck
}

// goesOn tells whether there's a target whose state can still change by itself,
// not counting so many servers that are late.
func (s summary) goesOn(late int) bool {
	if len(s.retrying)+len(s.notReady) > late {
		return true
	}
	for _, t := range s.waiting {
		if resolves(engine.Hold(t.State.Waiting.WaitReason)) {
			return true
		}
	}
	return false
}

// resolves tells whether a hold can end without a person when nothing but holds
// is left. A dependency that isn't met is one that failed, or waits itself.
func resolves(hold engine.Hold) bool {
	switch hold {
	case engine.HoldWaitingForDep, engine.HoldUpdateFailed, engine.HoldPendingTrigger, engine.HoldAfterFailure:
		return false
	default:
		return true
	}
}
