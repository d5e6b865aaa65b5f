// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
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

// summary groups targets by what they mean for the end of a Session. Each list keeps the order of the targets.
type summary struct {
	// total counts all targets, requested those that are neither disabled nor inactive.
	total, requested int
	// waiting, notReady, retrying and failed are the requested targets that keep the Session from success. A
	// running job isn't ready. A target that has failed and waits to be started again, or whose failure is tolerated,
	// is retrying.
	waiting, notReady, retrying, failed []v1alpha1.Target
	// changed is when the last of the others became ready or succeeded, stable when
	// servers among them that have ended before count as stable.
	changed, stable time.Time
}

func summarize(targets []v1alpha1.Target) summary {
	sum := summary{total: len(targets), requested: len(targets)}
	for i := range targets {
		t := &targets[i]
		switch PhaseOf(t.State) {
		case PhaseInactive, PhaseDisabled:
			sum.requested--
		case PhaseWaiting:
			if isRetry(engine.Hold(t.State.Waiting.WaitReason)) {
				sum.retrying = append(sum.retrying, *t)
			} else {
				sum.waiting = append(sum.waiting, *t)
			}
		case PhaseActive:
			sum.notReady = append(sum.notReady, *t)
		case PhaseReady:
			since := latest(t.State.Active.StartTime.Time, t.State.Active.LastReadyTime.Time)
			sum.changed = latest(sum.changed, since)
			sum.stable = latest(sum.stable, stableFrom(since, t.RestartCount))
		case PhaseSucceeded:
			sum.changed = latest(sum.changed, t.State.Terminated.FinishTime.Time)
		case PhaseFailed:
			if t.State.Terminated.GraceStatus == v1alpha1.TargetGraceTolerated {
				sum.retrying = append(sum.retrying, *t)
			} else {
				sum.failed = append(sum.failed, *t)
			}
		}
	}
	return sum
}

// isRetry reports whether a target with this hold has failed and waits to be started again.
func isRetry(hold engine.Hold) bool {
	return hold == engine.HoldRetrying || hold == engine.HoldRestarting
}

// bad is how many requested targets keep the Session from success.
func (s summary) bad() int {
	return len(s.waiting) + len(s.notReady) + len(s.retrying) + len(s.failed)
}

// healthy reports whether no target keeps the Session from success. A Tiltfile alone
// isn't enough: until it was evaluated there are no targets.
func (s summary) healthy() bool {
	return s.total >= 2 && s.bad() == 0
}

// String names what keeps the Session from success, for the message of a timeout.
func (s summary) String() string {
	var parts []string
	for _, part := range []struct {
		targets []v1alpha1.Target
		words   string
	}{{s.waiting, "waiting"}, {s.notReady, "not ready"}, {s.retrying, "retrying"}, {s.failed, "failed"}} {
		var names []string
		for _, t := range part.targets {
			if part.words == "waiting" {
				t.Name += " " + t.State.Waiting.WaitReason
			}
			names = append(names, t.Name)
		}
		if len(names) > 0 {
			parts = append(parts, fmt.Sprintf("%d resources %s (%s)", len(names), part.words, strings.Join(names, ",")))
		}
	}
	if len(parts) == 0 {
		return "no resources"
	}
	return strings.Join(parts, ", ")
}

// Failures are the failed targets of status, the earliest first and those of the same moment by name. Each has a
// State.Terminated with an Error. The caller may change the list, but not what its items point to.
func Failures(status v1alpha1.SessionStatus) []v1alpha1.Target {
	failed := summarize(status.Targets).failed
	slices.SortStableFunc(failed, byFinishTime)
	return failed
}

// byFinishTime orders terminated targets: the earliest first, those of the same moment by name.
func byFinishTime(a, b v1alpha1.Target) int {
	return cmp.Or(
		a.State.Terminated.FinishTime.Compare(b.State.Terminated.FinishTime.Time),
		strings.Compare(a.Name, b.Name))
}

func latest(moments ...time.Time) time.Time {
	return slices.MaxFunc(moments, time.Time.Compare)
}
