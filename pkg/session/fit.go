// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/text"
)

// leaveOutOrder are the phases in the order in which their targets are left out of a status that is too large.
var leaveOutOrder = []Phase{
	PhaseDisabled, PhaseInactive, PhaseSucceeded, PhaseReady, PhaseWaiting, PhaseActive, PhaseFailed,
}

// Fit is status, which is to replace that of current, reduced to at most limit bytes of JSON, or to as few as
// possible. A limit of 0 is none. Each step happens only if the steps before it aren't enough:
//
//  1. The times of targets and the names of what they wait for are left out.
//  2. Errors of targets are shortened, all to the same length.
//  3. As many targets as necessary are left out: first those that are disabled or
//     weren't requested, then succeeded jobs, ready servers, and targets that wait,
//     run, or have failed. Within each kind the last by name go first. The Tiltfile's
//     own target stays as long as any.
//  4. The error of the Session and the messages of its conditions are shortened.
//
// Done and the conditions themselves always stay. The condition Truncated says what
// is missing, and exists only while something is.
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
	all := withoutTimes(status.Targets)
	explain := func(what string) {
		message := fmt.Sprintf("The status would take %d bytes, and its storage accepts %d: "+
			"the times of targets and what they wait for are left out%s", whole, limit, what)
		status.Conditions = mergeConditions(status.Conditions, []metav1.Condition{
			condition(v1alpha1.SessionConditionTruncated, true, reasonTooLarge, message),
		}, current.Generation, now)
	}
	status.Targets = all
	if explain(""); Size(status) <= limit {
		return status
	}
	all = shortErrors(all)
	status.Targets = []v1alpha1.Target{}
	explain(missingTargets(all, nil)) // Its longest message, or nearly so.
	if Size(status) > limit {
		status.Error = shorten(status.Error, shortText, "")
		for i := range status.Conditions {
			status.Conditions[i].Message = shorten(status.Conditions[i].Message, shortText, "")
		}
	}
	status.Targets = mostImportant(all, limit-Size(status))
	explain(missingTargets(all, status.Targets))
	return status
}

// withoutTimes are the targets without their times and the names of what they wait for.
func withoutTimes(targets []v1alpha1.Target) []v1alpha1.Target {
	lean := slices.Clone(targets)
	for i := range lean {
		lean[i].Times = nil
		if w := lean[i].State.Waiting; w != nil {
			lean[i].State.Waiting = &v1alpha1.TargetStateWaiting{WaitReason: w.WaitReason}
		}
	}
	return lean
}

// shortErrors are the targets with their errors shortened.
func shortErrors(targets []v1alpha1.Target) []v1alpha1.Target {
	short := slices.Clone(targets)
	for i := range short {
		if end := short[i].State.Terminated; end != nil && len(end.Error) > shortText {
			ended := *end
			ended.Error = shorten(end.Error, shortText, noteLog)
			short[i].State.Terminated = &ended
		}
	}
	return short
}

// mostImportant are the targets that rank highest and together take no more bytes of
// JSON than there is room for, in their order.
func mostImportant(targets []v1alpha1.Target, room int) []v1alpha1.Target {
	rank := func(i int) int {
		if slices.Equal(targets[i].Resources, []string{model.TiltfileResource}) {
			return len(leaveOutOrder)
		}
		return slices.Index(leaveOutOrder, PhaseOf(targets[i].State))
	}
	order := make([]int, len(targets))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return rank(b) - rank(a) })
	kept := 0
	for ; kept < len(order); kept++ {
		if room -= Size(targets[order[kept]]) + len(","); room < 0 {
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

// missingTargets says that errors are shortened and which of all targets aren't left.
func missingTargets(all, left []v1alpha1.Target) string {
	message := ", their errors are shortened"
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
	return fmt.Sprintf("%s, and %d of %d targets are missing (%s)",
		message, len(all)-len(left), len(all), strings.Join(parts, ", "))
}

// Size is how many bytes of JSON a status, or a part of it, takes.
func Size[T v1alpha1.SessionStatus | v1alpha1.Target](part T) int {
	encoded, err := json.Marshal(part)
	if err != nil {
		return 0 // Types of the API can be encoded.
	}
	return len(encoded)
}

const (
	// maxText is how many bytes an error has in a status. Errors quote commands
	// and output, which have no bound of their own; the log has all of them.
	maxText = 8 << 10
	// shortText is how many bytes an error has in a status that has to be small.
	shortText = 256
	// maxName is how many bytes the name of a resource has in a status.
	maxName = 512
)

// noteLog is a part of the note in a shortened text that the log has as well.
const noteLog = "; the log has them"

// errorText is an error as a status holds it: valid UTF-8 of at most maxText bytes.
func errorText(s string) string { return shorten(s, maxText, "") }

// loggedText is errorText of what the log has as well.
func loggedText(s string) string { return shorten(s, maxText, noteLog) }

// shorten is s with its middle replaced, if it is longer than limit bytes, by a note
// of how much is missing and where that is.
func shorten(s string, limit int, where string) string {
	return text.Elide(s, limit, func(missing int) string {
		return fmt.Sprintf("\n[... %d bytes are left out here%s ...]\n", missing, where)
	})
}

// resourceName is the name of a resource as a status holds it. The hash keeps names
// that are cut different from each other.
func resourceName(s string) string {
	return text.Elide(s, maxName, func(missing int) string {
		return fmt.Sprintf("...[%d bytes, sha256 %x]...", missing, sha256.Sum256([]byte(s)))
	})
}
