// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"k8s.io/apimachinery/pkg/api/meta"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// The words that summarise a Session for people.
const (
	statePending     = "Pending"
	stateRunning     = "Running"
	stateReady       = "Ready"
	stateSucceeded   = "Succeeded"
	stateFailed      = "Failed"
	stateTimedOut    = "Timed Out"
	stateTerminating = "Terminating"
)

// timeoutReasons are those of a Failed condition that mean a limit passed.
var timeoutReasons = map[string]bool{"Timeout": true, "ReadinessTimeout": true}

// stateOf is the word for what's known of a Session.
func stateOf(session *v1alpha1.Session) string {
	switch status := &session.Status; {
	case session.DeletionTimestamp != nil:
		return stateTerminating
	case status.Done && status.Error == "":
		return stateSucceeded
	case status.Done:
		failed := meta.FindStatusCondition(status.Conditions, v1alpha1.SessionConditionFailed)
		if failed != nil && timeoutReasons[failed.Reason] {
			return stateTimedOut
		}
		return stateFailed
	case meta.IsStatusConditionTrue(status.Conditions, v1alpha1.SessionConditionReady):
		return stateReady
	case status.PID == 0 && status.StartTime.IsZero():
		return statePending
	default:
		return stateRunning
	}
}

// progress counts the targets that are wanted, and those of them that are
// ready or have succeeded.
func progress(targets []v1alpha1.Target) (reached, wanted int) {
	for i := range targets {
		state := &targets[i].State
		switch {
		case state.Active != nil:
			wanted++
			if targets[i].Type == v1alpha1.TargetTypeServer && state.Active.Ready {
				reached++
			}
		case state.Terminated != nil:
			wanted++
			if targets[i].Type == v1alpha1.TargetTypeJob && state.Terminated.Error == "" {
				reached++
			}
		case state.Waiting != nil:
			wanted++
		}
	}
	return reached, wanted
}
