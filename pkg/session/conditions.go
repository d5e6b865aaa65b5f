// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// Condition reasons that aren't verdicts.
const (
	reasonAllReady  = "AllReady"
	reasonNotReady  = "NotReady"
	reasonNoTargets = "NoTargets"
	reasonNotDone   = "NotDone"
	reasonSettling  = "Settling"
	reasonEnding    = "Ending"
	reasonTooLarge  = "StatusTooLarge"
)

// conditions are the three that a Session always has, without times.
func conditions(exit v1alpha1.ExitCondition, sum summary, end decision) []metav1.Condition {
	return append([]metav1.Condition{readyCondition(sum)}, verdictConditions(exit, end)...)
}

func readyCondition(sum summary) metav1.Condition {
	bad := sum.bad()
	message := fmt.Sprintf("%d of %d requested targets are ready or have succeeded", sum.requested-bad, sum.requested)
	reason := reasonNotReady
	switch {
	case sum.healthy():
		reason = reasonAllReady
	case len(sum.failed) > 0:
		reason = string(TargetFailed)
	case bad == 0:
		reason = reasonNoTargets
	}
	for _, part := range []struct {
		count int
		words string
	}{
		{len(sum.failed), "failed"}, {len(sum.waiting), "waiting"},
		{len(sum.retrying), "retrying"}, {len(sum.notReady), "not ready"},
	} {
		if part.count > 0 {
			message += fmt.Sprintf(", %d %s", part.count, part.words)
		}
	}
	return condition(v1alpha1.SessionConditionReady, sum.healthy(), reason, message)
}

func verdictConditions(exit v1alpha1.ExitCondition, end decision) []metav1.Condition {
	reason, succeeding := reasonNotDone, "The Session is done when every job has succeeded and every server is ready"
	failing := "The Session hasn't failed"
	if exit == v1alpha1.ExitConditionManual {
		succeeding = "The Session runs until it is ended"
	}
	switch end.verdict {
	case Undecided:
	case Succeeded:
		reason, succeeding = string(end.verdict), "Every requested job has succeeded and every requested server is ready"
		failing = "The Session has succeeded"
	default:
		reason, succeeding = string(end.verdict), "The Session has failed"
		failing = errorText(end.err)
	}
	succeeded := condition(v1alpha1.SessionConditionSucceeded, end.verdict == Succeeded, reason, succeeding)
	if !end.settled.IsZero() {
		succeeded.Reason, succeeded.Message = reasonSettling, "The Session will have succeeded: "+settlingUntil(end.settled)
	}
	return []metav1.Condition{succeeded, condition(v1alpha1.SessionConditionFailed, end.err != "", reason, failing)}
}

func condition(kind string, value bool, reason, message string) metav1.Condition {
	status := metav1.ConditionFalse
	if value {
		status = metav1.ConditionTrue
	}
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message}
}

// ownConditions are the types of conditions that this package sets.
var ownConditions = map[string]bool{
	v1alpha1.SessionConditionReady: true, v1alpha1.SessionConditionSucceeded: true, v1alpha1.SessionConditionFailed: true,
	v1alpha1.SessionConditionTruncated: true,
}

// KeepForeign is ours with the conditions of other types as they are in stored.
// Another client may have written those since the status was computed.
func KeepForeign(ours, stored []metav1.Condition) []metav1.Condition {
	kept := slices.DeleteFunc(slices.Clone(ours), func(c metav1.Condition) bool {
		return !ownConditions[c.Type] && meta.FindStatusCondition(stored, c.Type) == nil
	})
	for _, c := range stored {
		if ownConditions[c.Type] {
			continue
		}
		if known := meta.FindStatusCondition(kept, c.Type); known != nil {
			*known = c
		} else {
			kept = append(kept, c)
		}
	}
	return kept
}

// mergeConditions is prev with the conditions of want set. A condition whose status stays the same keeps its time,
// others get now. Types that want lacks stay as they are.
func mergeConditions(prev, want []metav1.Condition, generation int64, now time.Time) []metav1.Condition {
	merged := slices.Clone(prev)
	for _, c := range want {
		c.ObservedGeneration = generation
		c.LastTransitionTime = metav1.NewTime(now.Truncate(time.Second))
		meta.SetStatusCondition(&merged, c)
	}
	return merged
}
