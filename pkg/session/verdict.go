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
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// Verdict is how a Session ended. The reason of its Failed condition carries
// it, so that every reader of a Session can tell.
type Verdict string

const (
	// Undecided is a Session that isn't done.
	Undecided Verdict = ""
	// Succeeded is a Session whose jobs succeeded and whose servers are ready.
	Succeeded Verdict = "Succeeded"
	// TargetFailed is a Session with a job that failed or a server that ended.
	TargetFailed Verdict = "TargetFailed"
	// TiltfileFailed is a Session whose Tiltfile couldn't be evaluated.
	TiltfileFailed Verdict = "TiltfileFailed"
	// Timeout is a Session that took longer than spec.ci.timeout.
	Timeout Verdict = "Timeout"
	// ReadinessTimeout is a Session with a server that wasn't ready for longer
	// than its own limit or, without one, than spec.ci.readinessTimeout.
	ReadinessTimeout Verdict = "ReadinessTimeout"
	// Interrupted is a Session whose run was ended before there was a verdict.
	// Status never decides so; whoever finds such a Session does.
	Interrupted Verdict = "Interrupted"
	// UnsupportedExitCondition is a Session that asks for an end that this
	// version doesn't know.
	UnsupportedExitCondition Verdict = "UnsupportedExitCondition"
)

// VerdictOf tells how the Session with this status ended. A status that's done
// with an error but without a Failed condition counts as TargetFailed.
func VerdictOf(status v1alpha1.SessionStatus) Verdict {
	if !status.Done {
		return Undecided
	}
	failed := meta.FindStatusCondition(status.Conditions, v1alpha1.SessionConditionFailed)
	switch {
	case failed != nil && failed.Status == metav1.ConditionTrue:
		return Verdict(failed.Reason)
	case status.Error != "":
		return TargetFailed
	default:
		return Succeeded
	}
}

// decision is a verdict with its error text, or none with the next moment at
// which time alone may lead to one.
type decision struct {
	verdict Verdict
	err     string
	next    time.Time
	// settled is when a Session that's healthy will have been so for long
	// enough, zero for others.
	settled time.Time
}

// decide applies the exit condition to the state of the targets.
func decide(snap *engine.Snapshot, current *v1alpha1.Session, sum summary, now time.Time) decision {
	switch condition := current.Spec.ExitCondition; condition {
	case v1alpha1.ExitConditionManual:
		return decision{}
	case v1alpha1.ExitConditionCI:
		return decideCI(snap, current, sum, now)
	default:
		return decision{
			verdict: UnsupportedExitCondition,
			err:     fmt.Sprintf("unsupported exit condition: %s", text(string(condition))),
		}
	}
}

// decideCI ends a Session at its earliest failure, at its success, or when it
// took too long, in this order of precedence. While the Tiltfile is evaluated
// again nobody knows which of the targets stay, so that only time can end it.
func decideCI(snap *engine.Snapshot, current *v1alpha1.Session, sum summary, now time.Time) decision {
	limits := current.Spec.CI
	if limits == nil {
		limits = &v1alpha1.SessionCISpec{}
	}
	late := checkReadiness(snap, limit(limits.ReadinessTimeout), now)
	if reloading(&snap.Tiltfile) || KeepGoing(current) && sum.goesOn(late.count) {
		return checkTimeout(decision{next: late.next}, snap, limits, sum, now)
	}
	var first *v1alpha1.Target
	if len(sum.failed) > 0 {
		t := slices.MinFunc(sum.failed, byFinishTime)
		first = &t
	}
	switch {
	case first != nil && (late.count == 0 || !first.State.Terminated.FinishTime.After(late.since)):
		return failure(*first)
	case late.count > 0:
		return decision{verdict: ReadinessTimeout, err: late.err}
	case sum.healthy():
		end := settle(snap, current, sum, now)
		if end.verdict != Undecided {
			return end
		}
		return checkTimeout(end, snap, limits, sum, now)
	default:
		return checkTimeout(decision{next: late.next}, snap, limits, sum, now)
	}
}

// reloading tells whether a Tiltfile is, or is to be, evaluated again.
func reloading(t *engine.TiltfileState) bool {
	return t.Last != nil && (t.Pending || !t.Running.IsZero())
}

func failure(t v1alpha1.Target) decision {
	verdict := TargetFailed
	if slices.Equal(t.Resources, []string{model.TiltfileResource}) {
		verdict = TiltfileFailed
	}
	return decision{verdict: verdict, err: t.State.Terminated.Error}
}
