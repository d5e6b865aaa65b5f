// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// Expiry is when a Session that's done is to be deleted, zero if it stays. The
// error says what's wrong with its annotation.
func Expiry(s *v1alpha1.Session) (time.Time, error) {
	value, asked := s.Annotations[v1alpha1.AnnotationTTLAfterFinished]
	if !asked {
		return time.Time{}, nil
	}
	ttl, err := v1alpha1.ParseTTLAfterFinished(value)
	if err != nil {
		return time.Time{}, err
	}
	done := doneSince(&s.Status)
	if done.IsZero() {
		return time.Time{}, nil
	}
	return done.Add(ttl), nil
}

// doneSince is when a Session has been done for certain: conditions have whole
// seconds. It's zero if no condition tells.
func doneSince(status *v1alpha1.SessionStatus) time.Time {
	for _, kind := range []string{v1alpha1.SessionConditionSucceeded, v1alpha1.SessionConditionFailed} {
		if c := meta.FindStatusCondition(status.Conditions, kind); c != nil && c.Status == metav1.ConditionTrue {
			return c.LastTransitionTime.Add(time.Second)
		}
	}
	return time.Time{}
}

// Unexpiring is the status of a Session that says, in a condition that's there
// for nothing else, that it isn't deleted because of err. Without an error it's
// the status without that.
func Unexpiring(current *v1alpha1.Session, err error, now time.Time) v1alpha1.SessionStatus {
	status := *current.Status.DeepCopy()
	if err == nil {
		meta.RemoveStatusCondition(&status.Conditions, v1alpha1.SessionConditionExpiring)
		return status
	}
	status.Conditions = mergeConditions(status.Conditions, []metav1.Condition{
		condition(v1alpha1.SessionConditionExpiring, false, reasonInvalidTTL, text(err.Error())+": the Session isn't deleted by itself"),
	}, current.Generation, now)
	return status
}
