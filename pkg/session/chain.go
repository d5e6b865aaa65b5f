// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"slices"
	"strings"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// Link is a target in the chain of those that one waits for.
type Link struct {
	// Target is part of the status that the chain was made of.
	Target *v1alpha1.Target
	// More counts what the target waits for besides the next link.
	More int
}

// Chain is why a target waits: first the target itself, then what it waits for, and so on, down to a cause that waits
// for no other target. Of several causes it has the one that explains most: a failure, then what was never requested,
// then what waits for something else, such as a trigger, and only then what runs; of several of these, the nearest. A
// target that waits for its turn is followed by the job that has been running longest, and one that doesn't start
// because of an earlier failure by the first target that has failed.
//
// The chain of a target that doesn't wait is the target itself, that of an unknown one is nil.
func Chain(status *v1alpha1.SessionStatus, target string) []Link {
	start, ok := find(status, target)
	if !ok {
		return nil
	}
	// A search in breadth finds the nearest causes first, and ends also in a circle.
	from := map[int]int{start: -1}
	best := start
	for queue := []int{start}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		next := reasons(status, at)
		if len(next) == 0 && (best == start || weight(&status.Targets[at]) > weight(&status.Targets[best])) {
			best = at
		}
		for _, i := range next {
			if _, seen := from[i]; !seen {
				from[i] = at
				queue = append(queue, i)
			}
		}
	}
	var chain []Link
	for i := best; i >= 0; i = from[i] {
		chain = append(chain, Link{Target: &status.Targets[i], More: max(0, len(reasons(status, i))-1)})
	}
	slices.Reverse(chain)
	return chain
}

// find is the index of a target, which are sorted by name.
func find(status *v1alpha1.SessionStatus, name string) (int, bool) {
	return slices.BinarySearchFunc(status.Targets, name, func(t v1alpha1.Target, name string) int {
		return strings.Compare(t.Name, name)
	})
}

// reasons are the targets that a target waits for.
func reasons(status *v1alpha1.SessionStatus, i int) []int {
	wait := status.Targets[i].State.Waiting
	if wait == nil {
		return nil
	}
	var list []int
	for _, name := range wait.On {
		if on, ok := find(status, name); ok {
			list = append(list, on)
		}
	}
	if len(list) > 0 {
		return list
	}
	cause := -1
	switch engine.Hold(wait.WaitReason) {
	case engine.HoldWaitingForLocal, engine.HoldUnparallelizable, engine.HoldWaitingForSlot:
		runs := func(t *v1alpha1.Target) bool { return takesTurns(t) && t.State.Active != nil }
		cause = first(status.Targets, runs, func(t *v1alpha1.Target) time.Time { return t.State.Active.StartTime.Time })
	case engine.HoldAfterFailure:
		cause = first(status.Targets, hasFailed, finished)
	}
	if cause < 0 {
		return nil
	}
	return []int{cause}
}

// first is the index of the earliest target of a kind, -1 if there is none.
func first(targets []v1alpha1.Target, kind func(*v1alpha1.Target) bool, at func(*v1alpha1.Target) time.Time) int {
	best := -1
	for i := range targets {
		if t := &targets[i]; kind(t) && (best < 0 || at(t).Before(at(&targets[best]))) {
			best = i
		}
	}
	return best
}

// takesTurns reports whether a target may keep others from their turn while it runs: it is a job, and neither the
// Tiltfile nor a workload.
func takesTurns(t *v1alpha1.Target) bool {
	return t.Type == v1alpha1.TargetTypeJob && t.Name != TiltfileTarget && !strings.HasSuffix(t.Name, ":runtime")
}

func hasFailed(t *v1alpha1.Target) bool { return PhaseOf(t.State) == PhaseFailed }

func finished(t *v1alpha1.Target) time.Time { return t.State.Terminated.FinishTime.Time }

// weight says how much a cause explains.
func weight(t *v1alpha1.Target) int {
	switch phase := PhaseOf(t.State); {
	case phase == PhaseFailed:
		return 5
	case phase == PhaseWaiting && isRetry(engine.Hold(t.State.Waiting.WaitReason)):
		return 4
	case phase == PhaseDisabled || phase == PhaseInactive:
		return 3
	case phase == PhaseWaiting:
		return 2
	case phase == PhaseActive:
		return 1
	}
	return 0
}
