// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// summary sorts targets by what they mean for the end of a Session. Each list
// keeps the order of the targets.
type summary struct {
	// total counts all targets, requested those that somebody wants to run.
	total, requested int
	// waiting, notReady and failed are the requested targets that stand
	// against success. A running job isn't ready.
	waiting, notReady, failed []v1alpha1.Target
}

func summarize(targets []v1alpha1.Target) summary {
	sum := summary{total: len(targets), requested: len(targets)}
	for _, t := range targets {
		switch PhaseOf(t.State) {
		case PhaseInactive, PhaseDisabled:
			sum.requested--
		case PhaseWaiting:
			sum.waiting = append(sum.waiting, t)
		case PhaseActive:
			sum.notReady = append(sum.notReady, t)
		case PhaseFailed:
			sum.failed = append(sum.failed, t)
		}
	}
	return sum
}

// healthy is true when nothing stands against success. A Tiltfile alone isn't
// enough: until it was evaluated, there's nothing to be healthy.
func (s summary) healthy() bool {
	return s.total >= 2 && len(s.waiting)+len(s.notReady)+len(s.failed) == 0
}

// String names what stands against success, for the message of a timeout.
func (s summary) String() string {
	var parts []string
	if n := len(s.waiting); n > 0 {
		parts = append(parts, fmt.Sprintf("%d resources waiting (%s)", n, join(s.waiting, func(t v1alpha1.Target) string {
			return t.Name + " " + t.State.Waiting.WaitReason
		})))
	}
	if n := len(s.notReady); n > 0 {
		parts = append(parts, fmt.Sprintf("%d resources not ready (%s)", n, join(s.notReady, func(t v1alpha1.Target) string {
			return t.Name
		})))
	}
	if len(parts) == 0 {
		return "no resources"
	}
	return strings.Join(parts, ", ")
}

func join(targets []v1alpha1.Target, name func(v1alpha1.Target) string) string {
	names := make([]string, len(targets))
	for i, t := range targets {
		names[i] = name(t)
	}
	return strings.Join(names, ",")
}

// Failures are the targets of status that have failed, the earliest first and
// those of the same moment by name. Each has a State.Terminated with an Error.
// The caller may change the list, but not what its items point to.
func Failures(status v1alpha1.SessionStatus) []v1alpha1.Target {
	failed := summarize(status.Targets).failed
	slices.SortStableFunc(failed, byFinishTime)
	return failed
}

// byFinishTime orders terminated targets: the earliest first, those of the same
// moment by name.
func byFinishTime(a, b v1alpha1.Target) int {
	return cmp.Or(
		a.State.Terminated.FinishTime.Compare(b.State.Terminated.FinishTime.Time),
		strings.Compare(a.Name, b.Name))
}
