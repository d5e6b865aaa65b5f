// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"testing"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// keepingGoing is a Session that doesn't end at its first failure.
func keepingGoing(s *v1alpha1.Session) *v1alpha1.Session {
	s.Spec.KeepGoing = true
	return s
}

func held(hold engine.Hold) engine.UpdateState { return engine.UpdateState{Hold: hold} }

func TestKeepGoing(t *testing.T) {
	const second = time.Second
	bad := job("bad", failed(2*second, "bad failed"))
	slow := server("slow", notReady(0))
	patient := notReady(0)
	patient.ReadinessTimeout = time.Hour
	serve := func(hold engine.Hold) engine.ResourceState { return server("s", engine.RuntimeState{Hold: hold}) }
	unschedulable := workload("p", engine.Running{Phase: engine.Pending, Reason: "Unschedulable"})
	reloading := run(bad)
	reloading.Tiltfile.Pending = true
	broken := run()
	broken.Tiltfile.Last = &engine.Exit{Finish: at(second), Error: "bad Tiltfile"}

	for name, tc := range map[string]struct {
		snap    *engine.Snapshot
		session *v1alpha1.Session
		now     time.Duration
		verdict Verdict
		err     string
		next    time.Duration
	}{
		"unset": {
			snap: run(bad, job("a", running(0))), session: ci(0, 0), verdict: TargetFailed, err: "bad failed",
		},
		"success": {
			snap: run(job("a", succeeded(1))), session: keepingGoing(ci(0, 0)), verdict: Succeeded,
		},
		"nothing is left": {
			snap: run(bad, job("a", succeeded(1)), server("s", ready(1)), job("i", engine.UpdateState{})), session: keepingGoing(ci(0, 0)),
			verdict: TargetFailed, err: "bad failed",
		},
		"the error is the earliest failure": {
			snap: run(job("a", failed(3*second, "late")), bad), session: keepingGoing(ci(0, 0)),
			verdict: TargetFailed, err: "bad failed",
		},
		"a job runs":                         {snap: run(bad, job("a", running(0))), session: keepingGoing(ci(0, 0))},
		"a server isn't ready":               {snap: run(bad, slow), session: keepingGoing(ci(0, 0))},
		"a job can start":                    {snap: run(bad, job("a", held(engine.HoldWaitingForSlot))), session: keepingGoing(ci(0, 0))},
		"a job is retried":                   {snap: run(bad, job("a", held(engine.HoldRetrying))), session: keepingGoing(ci(0, 0))},
		"a server is launched again":         {snap: run(bad, serve(engine.HoldRestarting)), session: keepingGoing(ci(0, 0))},
		"a server is launched":               {snap: run(bad, serve(engine.HoldStarting)), session: keepingGoing(ci(0, 0))},
		"the Tiltfile is to be evaluated":    {snap: reloading, session: keepingGoing(ci(0, 0))},
		"what waits for a job that runs too": {snap: run(bad, job("a", running(0)), job("b", held(engine.HoldWaitingForDep))), session: keepingGoing(ci(0, 0))},
		"what can't start any more doesn't count": {
			snap: run(bad, job("a", held(engine.HoldWaitingForDep)), job("b", held(engine.HoldPendingTrigger)),
				job("c", held(engine.HoldAfterFailure)), serve(engine.HoldUpdateFailed)),
			session: keepingGoing(ci(0, 0)), verdict: TargetFailed, err: "bad failed",
		},
		"without a failure nothing ends it": {
			snap: run(job("a", held(engine.HoldWaitingForDep))), session: keepingGoing(ci(0, 0)),
		},
		"a Tiltfile error": {
			snap: broken, session: keepingGoing(ci(0, 0)), verdict: TiltfileFailed, err: "bad Tiltfile",
		},
		"the overall limit ends it": {
			snap: run(bad, job("a", running(0))), session: keepingGoing(ci(10*second, 0)), now: 10 * second,
			verdict: Timeout, err: "Timeout after 10s: 1 resources not ready (a:update), 1 resources failed (bad:update)",
		},
		"the overall limit lies ahead": {
			snap: run(bad, job("a", running(0))), session: keepingGoing(ci(10*second, 0)), now: 5 * second, next: 10 * second,
		},
		"a server that's late waits for the rest": {
			snap: run(slow, job("a", running(0))), session: keepingGoing(ci(0, second)), now: 10 * second,
		},
		"and for one that's not late yet": {
			snap: run(slow, server("z", patient)), session: keepingGoing(ci(0, second)), now: 10 * second, next: time.Hour,
		},
		"a server that's late fails it in the end": {
			snap: run(slow, job("a", succeeded(1)), job("w", held(engine.HoldWaitingForDep))), session: keepingGoing(ci(0, second)), now: 10 * second,
			verdict: ReadinessTimeout, err: "Readiness timeout after 1s: target slow:serve not ready",
		},
		"also one that's launched again": {
			snap:    run(server("r", engine.RuntimeState{Hold: engine.HoldRestarting, Down: at(0)}), job("a", succeeded(1))),
			session: keepingGoing(ci(0, second)), now: 10 * second,
			verdict: ReadinessTimeout, err: "Readiness timeout after 1s: target r:serve not ready",
		},
		"and a workload without a pod": {
			snap: run(unschedulable, job("a", succeeded(1))), session: keepingGoing(ci(0, second)), now: 10 * second,
			verdict: ReadinessTimeout, err: "Readiness timeout after 1s: target p:runtime not ready",
		},
		"a workload without a pod that's late waits for a server": {
			snap: run(unschedulable, server("z", patient)), session: keepingGoing(ci(0, second)), now: 10 * second,
			next: time.Hour,
		},
		"but not while a job is retried": {
			snap:    run(server("r", engine.RuntimeState{Hold: engine.HoldRestarting, Down: at(0)}), job("a", held(engine.HoldRetrying))),
			session: keepingGoing(ci(0, second)), now: 10 * second,
		},
		"the late server came first": {
			snap: run(slow, bad), session: keepingGoing(ci(0, second)), now: 10 * second,
			verdict: ReadinessTimeout, err: "Readiness timeout after 1s: target slow:serve not ready",
		},
		"the failure came first": {
			snap: run(slow, bad), session: keepingGoing(ci(0, 5*second)), now: 10 * second, verdict: TargetFailed, err: "bad failed",
		},
		"manual never ends": {
			snap: run(bad), session: keepingGoing(manual()),
		},
	} {
		t.Run(name, func(t *testing.T) {
			status, next := Status(tc.snap, tc.session, at(tc.now))
			if got := VerdictOf(status); got != tc.verdict || status.Error != tc.err {
				t.Errorf("verdict %q, error %q; want %q, %q", got, status.Error, tc.verdict, tc.err)
			}
			want := time.Time{}
			if tc.next != 0 {
				want = at(tc.next)
			}
			if !next.Equal(want) {
				t.Errorf("next look at %v, want %v", next, want)
			}
			if tc.verdict != Undecided && tc.verdict != Timeout && !MayEnd(tc.snap, tc.session) {
				t.Error("MayEnd says no")
			}
		})
	}
}

func TestMayEnd(t *testing.T) {
	odd := manual()
	odd.Spec.ExitCondition = "odd"
	bad := job("bad", failed(1, "bad failed"))
	for name, tc := range map[string]struct {
		snap    *engine.Snapshot
		session *v1alpha1.Session
		want    bool
	}{
		"healthy":                      {run(job("a", succeeded(1)), server("s", ready(1))), ci(0, 0), true},
		"a failure":                    {run(bad, job("a", running(1))), ci(0, 0), true},
		"a running job":                {run(job("a", running(1))), ci(0, 0), false},
		"a server that's not ready":    {run(server("s", notReady(1))), ci(0, 0), false},
		"a job that waits":             {run(job("a", held(engine.HoldWaitingForDep))), ci(0, 0), false},
		"before the Tiltfile":          {&engine.Snapshot{}, ci(0, 0), false},
		"manual":                       {run(bad), manual(), false},
		"an odd exit condition":        {run(job("a", running(1))), odd, true},
		"it keeps going":               {run(bad, job("a", running(1))), keepingGoing(ci(0, 0)), false},
		"it has kept going":            {run(bad, job("a", held(engine.HoldWaitingForDep))), keepingGoing(ci(0, 0)), true},
		"a server may be late":         {run(server("s", notReady(1))), keepingGoing(ci(0, 0)), true},
		"it keeps going without cause": {run(job("a", held(engine.HoldWaitingForDep))), keepingGoing(ci(0, 0)), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := MayEnd(tc.snap, tc.session); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
