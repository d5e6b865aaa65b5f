// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package session turns what an engine has seen of a run into the status of its
// Session, and decides when the Session is done.
//
// Everything here is a pure function of a snapshot, the stored Session and the present moment. No function starts,
// reads, writes or remembers anything, and none changes its arguments. Results share no memory with arguments that
// their owners may still change.
package session

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// Status is the whole status that follows from snap under the spec of current. It
// continues the status of current: conditions keep the time of their last change,
// and condition types of other writers stay. A Session that is done keeps its status.
//
// The second result is the next moment at which the same arguments lead to another
// status because of time alone: after now, or zero if there is no such moment.
//
// Times are cut to what the API stores, so that the result equals itself after a round trip.
func Status(snap *engine.Snapshot, current *v1alpha1.Session, now time.Time) (v1alpha1.SessionStatus, time.Time) {
	if current.Status.Done {
		return *current.Status.DeepCopy(), time.Time{}
	}
	list := targets(snap)
	sum := summarize(list)
	end := decide(snap, current, sum, now)
	return newStatus(snap, current, list, sum, end, now), end.next
}

// Undecidedly is what Status returns if nothing in snap can lead to a verdict.
func Undecidedly(snap *engine.Snapshot, current *v1alpha1.Session, now time.Time) v1alpha1.SessionStatus {
	list := targets(snap)
	return newStatus(snap, current, list, summarize(list), decision{}, now)
}

func newStatus(snap *engine.Snapshot, current *v1alpha1.Session, targets []v1alpha1.Target, sum summary, end decision,
	now time.Time) v1alpha1.SessionStatus {
	return v1alpha1.SessionStatus{
		PID:       int64(snap.PID),
		StartTime: microTime(snap.StartTime),
		Targets:   targets,
		Done:      end.verdict != Undecided,
		Error:     errorText(end.err),
		CI:        limitsInEffect(current.Spec.CI, snap.Tiltfile.CI),
		Conditions: mergeConditions(current.Status.Conditions,
			conditions(current.Spec.ExitCondition, sum, end), current.Generation, now),
	}
}

// microTime is t as the API stores it: in microseconds, null when it is zero.
func microTime(t time.Time) metav1.MicroTime {
	return metav1.NewMicroTime(t.Truncate(time.Microsecond))
}
