// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/model"
)

// shortText is how many bytes an error has in a status that has to be small.
const shortText = 256

// leaveOutOrder are the phases in the order in which their targets are left out
// of a status that's too large.
var leaveOutOrder = []Phase{
	PhaseDisabled, PhaseInactive, PhaseSucceeded, PhaseReady, PhaseWaiting, PhaseActive, PhaseFailed,
}

// Fit is status, which is to replace that of current, made to take at most limit
// bytes of JSON, or as few as it can. A limit of 0 is none. What a status loses, it
// loses in this order, and nothing as long as what goes before is enough:
//
//  1. Errors of targets are shortened, all to the same length.
//  2. As many targets as have to go are left out: those that are disabled or that
//     were not asked for, then jobs that have succeeded, servers that are ready,
//     targets that wait, that run, and that have failed; of each kind the last by
//     name go first, and the Tiltfile's own target stays as long as any.
//  3. The error of the Session and the messages of its conditions are shortened.
//
// Done and the conditions themselves always stay. The condition Truncated says
// what's missing; it's there only while something is.
func Fit(status v1alpha1.SessionStatus, limit int, current *v1alpha1.Session, now time.Time) v1alpha1.SessionStatus {
	status.Conditions = slices.Clone(status.Conditions)
	meta.RemoveStatusCondition(&status.Conditions, v1alpha1.SessionConditionTruncated)
	if limit <= 0 {
		return status
	}
	whole := Size(status)
	if whole <= limit {
		return status
	}
	if was := meta.FindStatusCondition(current.Status.Conditions, v1alpha1.SessionConditionTruncated); was != nil {
		status.Conditions = append(status.Conditions, *was)
	}
	all := shortErrors(status.Targets)
	tell := func(left []v1alpha1.Target) {
		status.Conditions = mergeConditions(status.Conditions, []metav1.Condition{
			condition(v1alpha1.SessionConditionTruncated, true, reasonTooLarge, truncatedMessage(whole, limit, all, left)),
		}, current.Generation, now)
	}
	status.Targets = []v1alpha1.Target{}
	tell(nil) // Its longest message, or nearly so.
	if jsonSize(status) > limit {
		status.Error = shorten(status.Error, shortText, "")
		for i := range status.Conditions {
			status.Conditions[i].Message = shorten(status.Conditions[i].Message, shortText, "")
		}
	}
	status.Targets = mostTelling(all, limit-jsonSize(status))
	tell(status.Targets)
	return status
}

// shortErrors are the targets with their errors shortened.
func shortErrors(targets []v1alpha1.Target) []v1alpha1.Target {
	short := slices.Clone(targets)
	for i := range short {
		if end := short[i].State.Terminated; end != nil && len(end.Error) > shortText {
			ended := *end
			ended.Error = shorten(end.Error, shortText, "; the log has them")
			short[i].State.Terminated = &ended
		}
	}
	return short
}

// mostTelling are those of targets that are worth the most and together take no
// more bytes of JSON than there's room for, in their order.
func mostTelling(targets []v1alpha1.Target, room int) []v1alpha1.Target {
	worth := func(i int) int {
		if slices.Equal(targets[i].Resources, []string{model.TiltfileResource}) {
			return len(leaveOutOrder)
		}
		return slices.Index(leaveOutOrder, PhaseOf(targets[i].State))
	}
	order := make([]int, len(targets))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return worth(b) - worth(a) })
	kept := 0
	for ; kept < len(order); kept++ {
		if room -= jsonSize(targets[order[kept]]) + len(","); room < 0 {
			break
		}
	}
	order = order[:kept]
	slices.Sort(order)
	left := make([]v1alpha1.Target, kept)
	for i, at := range order {
		left[i] = targets[at]
	}
	return left
}

func truncatedMessage(whole, limit int, all, left []v1alpha1.Target) string {
	message := fmt.Sprintf("The status would take %d bytes, of which its storage takes %d: errors of targets are shortened", whole, limit)
	if len(left) == len(all) {
		return message
	}
	missing := map[Phase]int{}
	for i := range all {
		missing[PhaseOf(all[i].State)]++
	}
	for i := range left {
		missing[PhaseOf(left[i].State)]--
	}
	var parts []string
	for _, phase := range leaveOutOrder {
		if n := missing[phase]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, phase))
		}
	}
	return fmt.Sprintf("%s, and %d of %d targets are left out (%s)", message, len(all)-len(left), len(all), strings.Join(parts, ", "))
}

// Size is how many bytes of JSON a status takes.
func Size(status v1alpha1.SessionStatus) int { return jsonSize(status) }

// jsonSize is how many bytes v takes as JSON.
func jsonSize(v any) int {
	encoded, err := json.Marshal(v)
	if err != nil {
		return 0 // Types of the API can be encoded.
	}
	return len(encoded)
}
