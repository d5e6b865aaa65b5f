// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

func TestVerdict(t *testing.T) {
	broken := run(job("a", failed(time.Second, "a failed")))
	broken.Tiltfile.Last = &engine.Exit{Start: at(0), Finish: at(2 * time.Second), Error: "bad Tiltfile"}
	changed := run(job("a", succeeded(1)))
	changed.Tiltfile.Pending = true
	again := run(job("a", failed(1, "a failed")), server("s", notReady(1)))
	again.Tiltfile.Running = at(time.Minute)
	disabled := job("a", failed(1, "old"))
	disabled.Disabled = true
	odd := manual()
	odd.Spec.ExitCondition = "later"

	for name, tc := range map[string]struct {
		snap    *engine.Snapshot
		session *v1alpha1.Session
		verdict Verdict
		err     string
	}{
		"manual is never done": {
			snap: run(job("a", succeeded(1)), server("s", ready(1))), session: manual(),
		},
		"manual never fails": {
			snap: broken, session: manual(),
		},
		"an unknown exit condition is an error": {
			snap: run(job("a", running(1))), session: odd,
			verdict: UnsupportedExitCondition, err: "unsupported exit condition: later",
		},
		"jobs succeeded and servers ready": {
			snap: run(job("a", succeeded(1)), server("s", ready(1))), session: ci(0, 0), verdict: Succeeded,
		},
		"before the Tiltfile is evaluated": {
			snap: &engine.Snapshot{StartTime: start}, session: ci(0, 0),
		},
		"a Tiltfile alone isn't enough": {
			snap: run(), session: ci(0, 0),
		},
		"inactive targets count as targets": {
			snap: run(job("a", engine.UpdateState{})), session: ci(0, 0), verdict: Succeeded,
		},
		"disabled targets count as targets, whatever they were": {
			snap: run(disabled), session: ci(0, 0), verdict: Succeeded,
		},
		"a running job holds back": {
			snap: run(job("a", running(1)), server("s", ready(1))), session: ci(0, 0),
		},
		"a server that's not ready holds back": {
			snap: run(server("s", notReady(1))), session: ci(0, 0),
		},
		"a held job holds back": {
			snap: run(job("a", succeeded(1)), job("b", engine.UpdateState{Hold: engine.HoldWaitingForSlot})), session: ci(0, 0),
		},
		"a changed Tiltfile holds back": {
			snap: changed, session: ci(0, 0),
		},
		"a Tiltfile that is evaluated again may have other targets": {
			snap: again, session: ci(0, 1),
		},
		"a Tiltfile that's evaluated again doesn't stop the clock": {
			snap: again, session: ci(time.Minute, 1), verdict: Timeout,
			err: "Timeout after 1m0s: 2 resources not ready (s:serve,tiltfile:update), 1 resources failed (a:update)",
		},
		"a failure ends it, whatever else is going on": {
			snap:    run(job("a", running(1)), job("b", failed(1, "b failed")), server("s", notReady(1))),
			session: ci(0, 0), verdict: TargetFailed, err: "b failed",
		},
		"the error is the earliest failure": {
			snap:    run(job("a", failed(3*time.Second, "late")), job("z", failed(time.Second, "early"))),
			session: ci(0, 0), verdict: TargetFailed, err: "early",
		},
		"the name decides between failures of the same moment": {
			snap:    run(job("b", failed(time.Second, "b failed")), job("a", failed(time.Second, "a failed"))),
			session: ci(0, 0), verdict: TargetFailed, err: "a failed",
		},
		"a server's end is a failure": {
			snap: run(server("s", engine.RuntimeState{Exit: &engine.Exit{
				Start: at(1), Finish: at(2), Error: "Process 9 exited with code 0", Code: pointer(0)}})),
			session: ci(0, 0), verdict: TargetFailed, err: "Process 9 exited with code 0",
		},
		"a Tiltfile error is the Session's": {
			snap: &engine.Snapshot{StartTime: start, Tiltfile: engine.TiltfileState{
				Last: &engine.Exit{Finish: at(1), Error: "no such file"}}},
			session: ci(0, 0), verdict: TiltfileFailed, err: "no such file",
		},
		"a Tiltfile error after a failed job": {
			snap: broken, session: ci(0, 0), verdict: TargetFailed, err: "a failed",
		},
		"a failure beats a timeout": {
			snap: run(job("a", failed(1, "a failed")), job("b", running(1))), session: ci(1, 1),
			verdict: TargetFailed, err: "a failed",
		},
		"success beats a timeout": {
			snap: run(job("a", succeeded(1))), session: ci(1, 1), verdict: Succeeded,
		},
	} {
		t.Run(name, func(t *testing.T) {
			status, next := Status(tc.snap, tc.session, at(time.Hour))
			if got := VerdictOf(status); got != tc.verdict {
				t.Errorf("verdict %q, want %q", got, tc.verdict)
			}
			if status.Done != (tc.verdict != Undecided) || status.Error != tc.err {
				t.Errorf("done %v, error %q; want %v, %q", status.Done, status.Error, tc.verdict != Undecided, tc.err)
			}
			if !next.IsZero() {
				t.Errorf("next look at %v, but there's no limit", next)
			}
		})
	}
}

func TestDoneIsKept(t *testing.T) {
	session := ci(0, 0)
	session.Status, _ = Status(run(job("a", failed(1, "a failed"))), session, at(0))
	session.Spec.ExitCondition = v1alpha1.ExitConditionManual
	got, next := Status(run(job("a", succeeded(2))), session, at(time.Hour))
	if diff := cmp.Diff(session.Status, got); diff != "" {
		t.Error(diff)
	}
	if !next.IsZero() {
		t.Errorf("next look at %v", next)
	}
}

func TestVerdictOfForeignStatus(t *testing.T) {
	for _, tc := range []struct {
		status v1alpha1.SessionStatus
		want   Verdict
	}{
		{v1alpha1.SessionStatus{}, Undecided},
		{v1alpha1.SessionStatus{Error: "not done, though"}, Undecided},
		{v1alpha1.SessionStatus{Done: true}, Succeeded},
		{v1alpha1.SessionStatus{Done: true, Error: "x"}, TargetFailed},
	} {
		if got := VerdictOf(tc.status); got != tc.want {
			t.Errorf("VerdictOf(%+v) = %q, want %q", tc.status, got, tc.want)
		}
	}
}

func TestFailuresComeInTimeOrder(t *testing.T) {
	status, _ := Status(run(
		job("a", failed(3*time.Second, "third")),
		job("c", failed(time.Second, "second")),
		job("b", failed(time.Second, "first")),
		job("d", succeeded(0)), job("e", running(0)),
	), ci(0, 0), at(time.Minute))
	var got []string
	for _, f := range Failures(status) {
		got = append(got, f.Name+" "+f.State.Terminated.Error)
	}
	if diff := cmp.Diff([]string{"b:update first", "c:update second", "a:update third"}, got); diff != "" {
		t.Error(diff)
	}
	if status.Targets[0].Name != "a:update" {
		t.Error("the targets lost their order")
	}
}
