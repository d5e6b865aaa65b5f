// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// summary groups targets by what they mean for the end of a Session. Each list keeps the order of the targets.
type summary struct {
	// total counts all targets, requested those that are neither disabled nor inactive.
	total, requested int
	// waiting, notReady, retrying and failed are the requested targets that keep the Session from success. A
	// running job isn't ready. A target that has failed and waits to be started again is retrying.
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
			sum.failed = append(sum.failed, *t)
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
