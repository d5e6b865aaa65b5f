// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// settling is a snapshot of a run whose Tiltfile wants it to settle.
func settling(d time.Duration, resources ...engine.ResourceState) *engine.Snapshot {
	snap := run(resources...)
	snap.Tiltfile.CI = &model.CISettings{Settle: &d}
	return snap
}

// withReady is a Session whose stored Ready condition changed at a moment.
func withReady(s *v1alpha1.Session, status metav1.ConditionStatus, changed time.Duration) *v1alpha1.Session {
	s.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.SessionConditionReady, Status: status, Reason: "R",
		LastTransitionTime: metav1.NewTime(at(changed).Truncate(time.Second)),
	}}
	return s
}

// again is a server that's ready since a moment and was launched again so often.
func again(since time.Duration, restarts int) engine.ResourceState {
	state := ready(since)
	state.Restarts = restarts
	return server("again", state)
}

func TestSettle(t *testing.T) {
	const (
		second = time.Second
		never  = 0
	)
	// start is 123456 microseconds after a full second.
	fraction := start.Sub(start.Truncate(second))
	healthy := settling(5*second, job("a", succeeded(10*second)), server("s", ready(12*second)))
	died := settling(5*second, job("a", succeeded(10*second)), server("s", engine.RuntimeState{Exit: &engine.Exit{
		Start: at(0), Finish: at(13 * second), Error: "Process 9 exited with code 3"}}))
	for name, tc := range map[string]struct {
		snap    *engine.Snapshot
		session *v1alpha1.Session
		now     time.Duration
		verdict Verdict
		err     string
		next    time.Duration
	}{
		"it isn't wanted": {
			snap: settling(0, job("a", succeeded(second))), session: ci(0, 0), now: second, verdict: Succeeded,
		},
		"a server without a probe has to live for a second": {
			snap: run(job("a", succeeded(second)), server("s", ready(2*second))), session: ci(0, 0), now: 2*second + second/2, next: 3 * second,
		},
		"which jobs that take longer leave behind": {
			snap: run(server("s", ready(2*second)), job("a", succeeded(3*second))), session: ci(0, 0), now: 3 * second, verdict: Succeeded,
		},
		"and then it's believed": {
			snap: run(job("a", succeeded(second)), server("s", ready(2*second))), session: ci(0, 0), now: 3 * second, verdict: Succeeded,
		},
		"unless it ends meanwhile": {
			snap:    run(server("s", engine.RuntimeState{Exit: &engine.Exit{Start: at(2 * second), Finish: at(2 * second), Error: "it ended"}})),
			session: ci(0, 0), now: 2*second + second/2, verdict: TargetFailed, err: "it ended",
		},
		"a server with a probe is believed soon": {
			snap: run(server("s", probed(ready(2*second)))), session: ci(0, 0), now: 2 * second, next: 2*second + readyFor,
		},
		"and then it's a success, whenever it was started": {
			snap: run(server("s", probed(ready(2*second)))), session: ci(0, 0), now: 2*second + readyFor, verdict: Succeeded,
		},
		"a Tiltfile may trust servers without a probe": {
			snap: settling(0, server("s", ready(2*second))), session: ci(0, 0), now: 2 * second, verdict: Succeeded,
		},
		"or know how long it takes": {
			snap: settling(second/2, server("s", ready(2*second))), session: ci(0, 0), now: 2*second + second/4, next: 2*second + second/2,
		},
		"a server that was replaced by a trigger has to live again": {
			snap: run(server("old", ready(second)), server("s", ready(9*second))), session: ci(0, 0), now: 9 * second, next: 10 * second,
		},
		"a server that is disabled does not count": {
			snap:    run(job("a", succeeded(second)), engine.ResourceState{Name: "s", Disabled: true, Runtime: pointer(ready(2 * second))}),
			session: ci(0, 0), now: 2 * second, verdict: Succeeded,
		},
		"a server that was launched again is believed after a while": {
			snap: run(job("a", succeeded(second)), again(2*second, 3)), session: ci(0, 0), now: 3 * second, next: 6 * second,
		},
		"and then it's a success": {
			snap: run(job("a", succeeded(second)), again(2*second, 3)), session: ci(0, 0), now: 6 * second, verdict: Succeeded,
		},
		"the while doesn't grow for ever": {
			snap: run(again(2*second, 100)), session: ci(0, 0), now: 3 * second, next: 12 * second,
		},
		"it begins with the last target": {
			snap: healthy, session: ci(0, 0), now: 12*second + 10*time.Millisecond, next: 17 * second,
		},
		"a moment before its end": {
			snap: healthy, session: withReady(ci(0, 0), metav1.ConditionTrue, 12*second), now: 17*second - 1, next: 17 * second,
		},
		"at its end": {
			snap: healthy, session: withReady(ci(0, 0), metav1.ConditionTrue, 12*second), now: 17 * second, verdict: Succeeded,
		},
		"it was healthy while it was manual": {
			snap: healthy, session: withReady(ci(0, 0), metav1.ConditionTrue, 12*second), now: time.Hour, verdict: Succeeded,
		},
		"what became healthy was known a little later": {
			snap: healthy, session: withReady(ci(0, 0), metav1.ConditionTrue, 13*second), now: 13 * second, next: 18*second - fraction,
		},
		"a removed target was not ready until now": {
			snap: healthy, session: withReady(ci(0, 0), metav1.ConditionFalse, second), now: 30 * second, next: 36*second - fraction,
		},
		"a removed target was not ready": {
			snap: healthy, session: withReady(ci(0, 0), metav1.ConditionTrue, 30*second), now: 33 * second, next: 36*second - fraction,
		},
		"a break, and it begins anew": {
			snap:    settling(5*second, job("a", succeeded(10*second)), server("s", ready(15*second))),
			session: withReady(ci(0, 0), metav1.ConditionTrue, 12*second), now: 17 * second, next: 20 * second,
		},
		"a server that isn't ready any more": {
			snap:    settling(5*second, server("s", notReady(10*second))),
			session: withReady(ci(0, 0), metav1.ConditionTrue, 12*second), now: 17 * second,
		},
		"a server that died": {
			snap: died, session: withReady(ci(0, 0), metav1.ConditionTrue, 12*second), now: 13 * second,
			verdict: TargetFailed, err: "Process 9 exited with code 3",
		},
		"the overall limit comes before its end": {
			snap: healthy, session: ci(15*second, 0), now: 12 * second, next: 15 * second,
		},
		"the overall limit": {
			snap: healthy, session: withReady(ci(15*second, 0), metav1.ConditionTrue, 12*second), now: 15 * second,
			verdict: Timeout, err: "Timeout after 15s: everything is ready and has to stay so until 2026-03-04T05:06:24.123Z",
		},
		"a readiness limit has no say": {
			snap: healthy, session: ci(0, second), now: 12 * second, next: 17 * second,
		},
		"a Tiltfile alone doesn't settle": {
			snap: settling(5 * second), session: ci(0, 0), now: time.Hour,
		},
		"manual doesn't either": {
			snap: healthy, session: manual(), now: 13 * second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			status, next := Status(tc.snap, tc.session, at(tc.now))
			if got := VerdictOf(status); got != tc.verdict || status.Error != tc.err {
				t.Errorf("verdict %q, error %q; want %q, %q", got, status.Error, tc.verdict, tc.err)
			}
			want := time.Time{}
			if tc.next != never {
				want = at(tc.next)
			}
			if !next.Equal(want) {
				t.Errorf("next look at %v, want %v", next, want)
			}
		})
	}
}

func TestSettlingCondition(t *testing.T) {
	session := ci(0, 0)
	session.Status, _ = Status(settling(5*time.Second, job("a", succeeded(10*time.Second))), session, at(10*time.Second))
	ready := meta.FindStatusCondition(session.Status.Conditions, v1alpha1.SessionConditionReady)
	got := meta.FindStatusCondition(session.Status.Conditions, v1alpha1.SessionConditionSucceeded)
	const want = "The Session will have succeeded: everything is ready and has to stay so until 2026-03-04T05:06:22.123Z"
	if ready.Status != metav1.ConditionTrue || got.Status != metav1.ConditionFalse || got.Reason != "Settling" || got.Message != want {
		t.Errorf("Ready %+v, Succeeded %+v", ready, got)
	}
}

// A controller looks once more whenever a status says so.
func TestSettlingEndsInTime(t *testing.T) {
	snap := settling(3*time.Second, job("a", succeeded(10*time.Second)))
	session, now, looks := ci(0, 0), at(10*time.Second+777*time.Millisecond), 0
	for !session.Status.Done {
		if looks++; looks > 5 {
			t.Fatal("it doesn't end")
		}
		status, next := Status(snap, session, now)
		session.Status = status
		if !next.IsZero() {
			now = next
		}
	}
	if want := at(13 * time.Second); !now.Equal(want) || looks != 2 {
		t.Errorf("it ended at %v after %d looks, want %v after 2", now, looks, want)
	}
}
