// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// soon is how long it may take until the end of one target is the reason for another one.
const soon = time.Second

// Step is a target of a critical path.
type Step struct {
	// Target is part of the status that the path was made of.
	Target *v1alpha1.Target
	// From is when the step before was done, and for the first step when the target was requested. Start is when the
	// target began, To when it was done, or now. None is after the next.
	From, Start, To time.Time
}

// CriticalPath is the chain of targets that determined how long everything took, the first one first. The next step of
// each is a target that depends on it or that got its turn after it. The last one is what goes on and has for the
// longest time, but in a Session that is done its first failure; if nothing goes on, it is what was done last. The path
// is nil if no target has times.
//
// needs are the names of the targets that must be there before one runs. If needs is nil, a target is taken to depend
// on what was done last before it was allowed to run.
func CriticalPath(status *v1alpha1.SessionStatus, needs func(target string) []string, now time.Time) []Step {
	i := lastStep(status.Targets, status.Done)
	if i < 0 {
		return nil
	}
	var path []Step
	to := doneAt(&status.Targets[i])
	switch end := status.Targets[i].Times.FinishTime; {
	case end != nil:
		to = end.Time // A server may have failed after it was ready.
	case to.IsZero():
		to = now
	}
	for seen := map[int]bool{}; i >= 0 && !seen[i]; {
		seen[i] = true
		t := &status.Targets[i]
		step := Step{Target: t, From: moment(t.Times.QueuedTime), To: to}
		if i = stepBefore(status, t, needs); i >= 0 {
			step.From = doneAt(&status.Targets[i])
		}
		step.From = earliest(step.From, to)
		step.Start = earliest(latest(moment(t.Times.StartTime), step.From), to)
		to = step.From
		path = append(path, step)
	}
	slices.Reverse(path)
	return path
}

// lastStep is the index of the target at which the critical path ends, -1 if there is none.
func lastStep(targets []v1alpha1.Target, done bool) int {
	goesOn := func(t *v1alpha1.Target) bool { return t.Times != nil && t.Times.StartTime != nil && doneAt(t).IsZero() }
	failed := func(t *v1alpha1.Target) bool { return t.Times != nil && PhaseOf(t.State) == PhaseFailed }
	if open := first(targets, goesOn, func(t *v1alpha1.Target) time.Time { return t.Times.StartTime.Time }); open >= 0 {
		if failure := first(targets, failed, finished); done && failure >= 0 {
			return failure
		}
		return open
	}
	last := -1
	for i := range targets {
		if end := doneAt(&targets[i]); !end.IsZero() && (last < 0 || end.After(doneAt(&targets[last]))) {
			last = i
		}
	}
	return last
}

// stepBefore is the index of the target that t waited for longest, -1 if it waited for none.
func stepBefore(status *v1alpha1.SessionStatus, t *v1alpha1.Target, needs func(string) []string) int {
	queued, allowed, start := moment(t.Times.QueuedTime), moment(t.Times.AllowedTime), moment(t.Times.StartTime)
	if allowed.IsZero() {
		return -1
	}
	best := -1
	consider := func(i int, after, until time.Time) {
		other := &status.Targets[i]
		if end := doneAt(other); other != t && end.After(after) && !end.After(until) &&
			(best < 0 || end.After(doneAt(&status.Targets[best]))) {
			best = i
		}
	}
	for i := range status.Targets {
		if takesTurns(t) && takesTurns(&status.Targets[i]) {
			consider(i, allowed, start)
		}
	}
	if best >= 0 {
		return best
	}
	names := []string{strings.TrimSuffix(strings.TrimSuffix(t.Name, ":serve"), ":runtime") + ":update"}
	if needs != nil {
		names = append(needs(t.Name), TiltfileTarget)
	}
	for _, name := range names {
		if i, ok := find(status, name); ok {
			consider(i, queued.Add(-soon), allowed)
		}
	}
	if needs == nil && best < 0 {
		for i := range status.Targets {
			consider(i, queued.Add(-soon), allowed)
		}
	}
	return best
}

// doneAt is when a target was ready, had succeeded or had failed, zero if it wasn't.
func doneAt(t *v1alpha1.Target) time.Time {
	if t.Times == nil {
		return time.Time{}
	}
	return earliest(moment(t.Times.ReadyTime), moment(t.Times.FinishTime))
}

func moment(t *metav1.MicroTime) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}
