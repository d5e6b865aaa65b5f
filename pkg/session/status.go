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
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// Status is the whole status that follows from snap under the spec of current. It
// continues the status of current: conditions keep the time of their last change,
// and condition types of other writers stay. A Session that is done keeps its status.
//
// The second result is the next moment at which the same arguments lead to another
// status because of time alone: after now, or zero if there is no such moment.
//
// The Tiltfile of a Session that can't be run as it is counts as failed, see Unrunnable.
//
// Times are cut to what the API stores, so that the result equals itself after a round trip.
func Status(snap *engine.Snapshot, current *v1alpha1.Session, now time.Time) (v1alpha1.SessionStatus, time.Time) {
	if current.Status.Done {
		return *current.Status.DeepCopy(), time.Time{}
	}
	snap = withRefusal(snap, current, now)
	list, graceEnd := targets(snap, graceOf(snap, current.Spec.CI), now)
	sum := summarize(list)
	end := decide(snap, current, sum, now)
	if end.verdict == Undecided {
		end.next = earliest(end.next, graceEnd)
	}
	return newStatus(snap, current, list, sum, end, now), end.next
}

// Undecidedly is what Status returns if nothing in snap can lead to a verdict.
func Undecidedly(snap *engine.Snapshot, current *v1alpha1.Session, now time.Time) v1alpha1.SessionStatus {
	snap = withRefusal(snap, current, now)
	list, _ := targets(snap, graceOf(snap, current.Spec.CI), now)
	return newStatus(snap, current, list, summarize(list), decision{}, now)
}

func newStatus(snap *engine.Snapshot, current *v1alpha1.Session, targets []v1alpha1.Target, sum summary, end decision,
	now time.Time) v1alpha1.SessionStatus {
	return v1alpha1.SessionStatus{
		PID:       int64(snap.PID),
		StartTime: microTime(snap.StartTime),
		Runner:    current.Status.Runner.DeepCopy(),
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

// Begun reports whether the status is of a run that has begun, here or elsewhere.
func Begun(status *v1alpha1.SessionStatus) bool { return !status.StartTime.IsZero() }

// Waiting is the status of a Session that isn't run before another one has ended.
func Waiting(current *v1alpha1.Session, now time.Time) v1alpha1.SessionStatus {
	status, _ := Status(&engine.Snapshot{}, current, now)
	if !status.Done {
		status.Targets[0].State = waiting(v1alpha1.WaitReasonSessionSlot)
	}
	return status
}

// Unrunnable is why a server of many Sessions can't run this one as it is, nil if the server can try.
func Unrunnable(s *v1alpha1.Session) error {
	if path := s.Spec.TiltfilePath; !filepath.IsAbs(path) {
		return fmt.Errorf("spec.tiltfilePath: %q is relative, and the server doesn't know to which directory: "+
			"use an absolute path", path)
	}
	return nil
}

// withRefusal is snap or, for a Session that can't be run as it is, snap with a Tiltfile whose evaluation failed for
// that reason. The failure keeps the time at which it was first published.
func withRefusal(snap *engine.Snapshot, current *v1alpha1.Session, now time.Time) *engine.Snapshot {
	err := Unrunnable(current)
	if err == nil {
		return snap
	}
	at := now
	for i := range current.Status.Targets {
		t := &current.Status.Targets[i]
		if end := t.State.Terminated; end != nil && end.Error == loggedText(err.Error()) &&
			slices.Equal(t.Resources, []string{model.TiltfileResource}) {
			at = end.FinishTime.Time
		}
	}
	refused := *snap
	refused.Tiltfile.Pending, refused.Tiltfile.Running = false, time.Time{}
	refused.Tiltfile.Last = &engine.Exit{Start: at, Finish: at, Error: err.Error()}
	return &refused
}

// Interrupt is the status of a Session whose run was ended, as err says, before
// there was a verdict. What was last known of its targets stays.
func Interrupt(current *v1alpha1.Session, err string, now time.Time) v1alpha1.SessionStatus {
	end := decision{verdict: Interrupted, err: errorText(err)}
	status := *current.Status.DeepCopy()
	status.Done, status.Error = true, end.err
	status.Conditions = mergeConditions(status.Conditions,
		verdictConditions(current.Spec.ExitCondition, end), current.Generation, now)
	return status
}

// Ending is the status of a deleted Session whose processes are being ended. What
// was last known of its targets stays.
func Ending(current *v1alpha1.Session, now time.Time) v1alpha1.SessionStatus {
	status := *current.Status.DeepCopy()
	status.Conditions = mergeConditions(status.Conditions, []metav1.Condition{
		condition(v1alpha1.SessionConditionReady, false, reasonEnding,
			"The Session was deleted, and its processes are being ended"),
	}, current.Generation, now)
	return status
}

// Unclaimed is the status of a Session that has lost its Runner and may be run by another one.
func Unclaimed(current *v1alpha1.Session, reason, message string, now time.Time) v1alpha1.SessionStatus {
	status, _ := Status(&engine.Snapshot{}, current, now)
	status.Runner = nil
	status.Conditions = mergeConditions(status.Conditions, []metav1.Condition{
		condition(v1alpha1.SessionConditionScheduled, false, reason, message),
	}, current.Generation, now)
	return status
}

// Expiry is when a Session that is done is to be deleted, as its
// ttlSecondsAfterFinished asks. It is zero if the Session stays.
func Expiry(s *v1alpha1.Session) time.Time {
	done := doneSince(&s.Status)
	if s.Spec.TTLSecondsAfterFinished == nil || done.IsZero() {
		return time.Time{}
	}
	return done.Add(time.Duration(*s.Spec.TTLSecondsAfterFinished) * time.Second)
}

// doneSince is when a Session has been done for certain, since conditions have whole
// seconds. It is zero if no condition has the time.
func doneSince(status *v1alpha1.SessionStatus) time.Time {
	for _, kind := range []string{v1alpha1.SessionConditionSucceeded, v1alpha1.SessionConditionFailed} {
		if c := meta.FindStatusCondition(status.Conditions, kind); c != nil && c.Status == metav1.ConditionTrue {
			return c.LastTransitionTime.Add(time.Second)
		}
	}
	return time.Time{}
}
