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

// Verdict is how a Session ended. It is the reason of the Failed condition, so that
// every reader of a Session knows it.
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
	// Timeout is a Session that took longer than status.ci.timeout.
	Timeout Verdict = "Timeout"
	// ReadinessTimeout is a Session with a server that wasn't ready for longer
	// than its own limit or, without one, than status.ci.readinessTimeout.
	ReadinessTimeout Verdict = "ReadinessTimeout"
	// Interrupted is a Session whose run was ended before there was a verdict.
	// Status never decides so; Interrupt does.
	Interrupted Verdict = "Interrupted"
	// UnsupportedExitCondition is a Session with an exit condition that this version doesn't know.
	UnsupportedExitCondition Verdict = "UnsupportedExitCondition"
)

// VerdictOf is how the Session with this status ended. A status that is done with an
// error but without a Failed condition counts as TargetFailed.
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

// decision is a verdict with its error text, or none with the next moment at which time alone may lead to one.
type decision struct {
	verdict Verdict
	err     string
	next    time.Time
	// settled is when a healthy Session will have been so for long enough, zero for other Sessions.
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
			err:     fmt.Sprintf("unsupported exit condition: %s", errorText(string(condition))),
		}
	}
}

// decideCI ends a Session at its earliest failure, at its success, or when it took
// too long, in this order of precedence. During another evaluation of the Tiltfile it
// is open which targets stay, so that only time can end the Session.
func decideCI(snap *engine.Snapshot, current *v1alpha1.Session, sum summary, now time.Time) decision {
	timeout, readiness := limitsOf(snap, current.Spec.CI)
	late := checkReadiness(snap, readiness, now)
	if reloading(&snap.Tiltfile) || current.Spec.KeepGoing && sum.progresses(unready(snap), late.count) {
		return checkTimeout(decision{next: late.next}, snap, timeout, sum, now)
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
		return checkTimeout(end, snap, timeout, sum, now)
	default:
		return checkTimeout(decision{next: late.next}, snap, timeout, sum, now)
	}
}

// reloading reports whether a Tiltfile is, or is to be, evaluated again.
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

// FailFast reports whether the first failure ends a Session, so that nothing new is worth starting after it.
func FailFast(s *v1alpha1.Session) bool {
	return s.Spec.ExitCondition == v1alpha1.ExitConditionCI && !s.Spec.KeepGoing
}

// MayEnd reports whether Status may find a verdict in snap, at a small part of its cost. True may be wrong. False
// is right, except for a verdict that Status has announced as its next moment.
func MayEnd(snap *engine.Snapshot, current *v1alpha1.Session) bool {
	switch current.Spec.ExitCondition {
	case v1alpha1.ExitConditionManual:
		return false
	case v1alpha1.ExitConditionCI:
	default:
		return true
	}
	switch {
	case Unrunnable(current) != nil:
		return true
	case reloading(&snap.Tiltfile):
		return false
	}
	// A server that isn't ready may be late by now, which is a kind of failure.
	var failed, slow, open, working bool
	for i, phase := range Phases(snap) {
		pending := phase == PhaseActive || phase == PhaseWaiting
		server := i > 0 && i%2 == 0
		failed = failed || phase == PhaseFailed
		slow = slow || pending && server
		open = open || pending
		working = working || phase == PhaseActive && !server
	}
	if current.Spec.KeepGoing && (failed || slow) {
		return !working
	}
	return failed || !open
}

// progresses reports whether there is a target whose state can still change by itself, not counting so many of the
// servers that a readiness limit applies to.
func (s summary) progresses(limited []unreadyServer, late int) bool {
	if len(limited) > late {
		return true
	}
	unlimited := func(t v1alpha1.Target) bool {
		return !slices.ContainsFunc(limited, func(s unreadyServer) bool { return s.target == t.Name })
	}
	return slices.ContainsFunc(s.retrying, unlimited) || slices.ContainsFunc(s.notReady, unlimited) ||
		slices.ContainsFunc(s.waiting, func(t v1alpha1.Target) bool {
			return unlimited(t) && resolves(engine.Hold(t.State.Waiting.WaitReason))
		})
}

// resolves reports whether a hold can end without a person when nothing but holds
// is left. A dependency that isn't met has failed, or waits itself.
func resolves(hold engine.Hold) bool {
	switch hold {
	case engine.HoldWaitingForDep, engine.HoldUpdateFailed, engine.HoldPendingTrigger, engine.HoldAfterFailure:
		return false
	default:
		return true
	}
}

// aliveFor is how long a server without a readiness probe must have lived before the Session succeeds, unless its
// Tiltfile sets how long the Session settles. A server that can't do its work usually ends before.
const aliveFor = time.Second

// readyFor is how long a server with a readiness probe must have been ready. One that ends at once may have passed
// the probe before, and another process that has taken its port may have answered.
const readyFor = 100 * time.Millisecond

// maxStable is how long at most a server that was started again must have been ready.
const maxStable = 10 * time.Second

// stableFrom is when a server that was started again so often, and has been ready
// since then, counts as stable: after 1 s, 2 s, 4 s and so on, the delay before its
// last start. It is zero for a server that was never started again.
func stableFrom(since time.Time, restarts int32) time.Time {
	if restarts <= 0 {
		return time.Time{}
	}
	return since.Add(min(time.Second<<min(restarts-1, 10), maxStable))
}

// aliveFrom is when every ready server has lived, or with a readiness probe has been
// ready, for long enough. It is zero if there is none.
func aliveFrom(snap *engine.Snapshot) (alive time.Time) {
	for i := range snap.Resources {
		r := &snap.Resources[i]
		if runtimePhase(r) != PhaseReady {
			continue
		}
		since, enough := r.Runtime.Running.Start, aliveFor
		if r.Runtime.Probed {
			since, enough = r.Runtime.Running.LastReady, readyFor
		}
		alive = latest(alive, since.Add(enough), r.Runtime.Running.Unproven)
	}
	return alive
}

// settle lets a healthy Session succeed when it has been so for as long as its Tiltfile sets, or without that when
// its servers have lived for a while, and when servers that have ended before count as stable.
func settle(snap *engine.Snapshot, current *v1alpha1.Session, sum summary, now time.Time) decision {
	settled := sum.stable
	switch settings := snap.Tiltfile.CI; {
	case settings == nil || settings.Settle == nil:
		settled = latest(settled, aliveFrom(snap))
	case *settings.Settle > 0:
		ready := meta.FindStatusCondition(current.Status.Conditions, v1alpha1.SessionConditionReady)
		settled = latest(settled, healthySince(ready, sum.changed, now).Add(*settings.Settle))
	}
	if !now.Before(settled) {
		return decision{verdict: Succeeded}
	}
	return decision{settled: settled, next: settled}
}

// healthySince is since when everything has been healthy without a break: when the last target became so, unless
// the stored condition says that something else kept the Session from it later, such as a resource that was
// disabled since. The condition has whole seconds, so it counts only if it is later by more than that.
func healthySince(ready *metav1.Condition, changed, now time.Time) time.Time {
	known := now.Truncate(time.Second)
	if ready != nil && ready.Status == metav1.ConditionTrue {
		known = ready.LastTransitionTime.Time
	}
	if changed.Add(time.Second).Before(known) {
		return known.Add(time.Second)
	}
	return latest(changed, known)
}

// settlingUntil is the end of a message about that moment.
func settlingUntil(settled time.Time) string {
	const milliseconds = "2006-01-02T15:04:05.000Z07:00"
	return "everything is ready and has to stay so until " + settled.UTC().Format(milliseconds)
}
