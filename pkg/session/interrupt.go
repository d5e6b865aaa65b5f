// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// Begun tells whether the status is of a run that has begun, here or elsewhere.
func Begun(status *v1alpha1.SessionStatus) bool { return !status.StartTime.IsZero() }

// Interrupt is the status of a Session whose run was ended, as err says, before
// there was a verdict. What was last known of its targets stays.
func Interrupt(current *v1alpha1.Session, err string, now time.Time) v1alpha1.SessionStatus {
	end := decision{verdict: Interrupted, err: text(err)}
	status := *current.Status.DeepCopy()
	status.Done, status.Error = true, end.err
	status.Conditions = mergeConditions(status.Conditions, []metav1.Condition{
		succeededCondition(current.Spec.ExitCondition, end),
		failedCondition(end),
	}, current.Generation, now)
	return status
}

// Ending is the status of a Session that's being deleted while its processes
// are. What was last known of its targets stays.
func Ending(current *v1alpha1.Session, now time.Time) v1alpha1.SessionStatus {
	status := *current.Status.DeepCopy()
	status.Conditions = mergeConditions(status.Conditions, []metav1.Condition{
		condition(v1alpha1.SessionConditionReady, false, reasonEnding, "The Session was deleted, and its processes are being ended"),
	}, current.Generation, now)
	return status
}
