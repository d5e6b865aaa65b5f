// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

func TestLimits(t *testing.T) {
	const (
		second = time.Second
		minute = time.Minute
	)
	flapped := server("s", engine.RuntimeState{Running: &engine.Running{PID: 9, Start: at(0), LastReady: at(30 * second)}})
	replaced := server("s", engine.RuntimeState{Running: &engine.Running{PID: 9}})
	waitsForDep := job("w", engine.UpdateState{Hold: engine.HoldWaitingForDep})
	unlimited := ci(0, 0)
	unlimited.Spec.CI = nil
	negative := ci(-1, -1)
	live := manual()
	own := func(limit time.Duration, probe string) engine.RuntimeState {
		s := notReady(0)
		s.ReadinessTimeout, s.Detail = limit, probe
		return s
	}
	restarting := server("r", engine.RuntimeState{Hold: engine.HoldRestarting, Down: at(0)})
	again := notReady(50 * second)
	again.Down = at(10 * second)
	live.Spec.CI = ci(second, second).Spec.CI

	for name, tc := range map[string]struct {
		snap    *engine.Snapshot
		session *v1alpha1.Session
		now     time.Duration
		verdict Verdict
		err     string
		next    time.Duration // 0: none
	}{
		"no limits at all": {
			snap: run(server("s", notReady(0))), session: unlimited, now: 1000 * time.Hour,
		},
		"zero is no limit": {
			snap: run(server("s", notReady(0))), session: ci(0, 0), now: 1000 * time.Hour,
		},
		"negative is no limit": {
			snap: run(server("s", notReady(0))), session: negative, now: 1000 * time.Hour,
		},
		"manual has no limits": {
			snap: run(server("s", notReady(0))), session: live, now: 1000 * time.Hour,
		},
		"the overall limit lies ahead": {
			snap: run(job("a", running(second))), session: ci(30*minute, 0), now: 2 * second, next: 30 * minute,
		},
		"a moment before the overall limit": {
			snap: run(job("a", running(second))), session: ci(30*minute, 0), now: 30*minute - 1, next: 30 * minute,
		},
		"at the overall limit": {
			snap: run(job("a", running(second))), session: ci(30*minute, 0), now: 30 * minute,
			verdict: Timeout, err: "Timeout after 30m0s: 1 resources not ready (a:update)",
		},
		"all that stood in the way is named": {
			snap: run(job("b", running(second)), waitsForDep, job("v", engine.UpdateState{Hold: engine.HoldWaitingForLocal}),
				server("s", notReady(0)), job("ok", succeeded(1))),
			session: ci(2*second, 0), now: minute, verdict: Timeout,
			err: "Timeout after 2s: 2 resources waiting (v:update waiting-for-local,w:update waiting-for-dep), " +
				"2 resources not ready (b:update,s:serve)",
		},
		"only waiting": {
			snap: run(waitsForDep), session: ci(1500*time.Millisecond, 0), now: minute,
			verdict: Timeout, err: "Timeout after 1.5s: 1 resources waiting (w:update waiting-for-dep)",
		},
		"nothing to name": {
			snap: run(), session: ci(second, 0), now: minute, verdict: Timeout, err: "Timeout after 1s: no resources",
		},
		"the readiness limit lies ahead": {
			snap: run(server("s", notReady(10*second))), session: ci(0, 5*minute), now: minute, next: 5*minute + 10*second,
		},
		"at the readiness limit": {
			snap: run(server("s", notReady(10*second))), session: ci(0, 5*minute), now: 5*minute + 10*second,
			verdict: ReadinessTimeout, err: "Readiness timeout after 5m0s: target s:serve not ready",
		},
		"the readiness limit counts from when it was last ready": {
			snap: run(flapped), session: ci(0, minute), now: minute, next: 90 * second,
		},
		"a server that's being replaced has no readiness limit": {
			snap: run(replaced), session: ci(0, second), now: time.Hour,
		},
		"a running job has no readiness limit": {
			snap: run(job("a", running(0))), session: ci(0, second), now: time.Hour,
		},
		"a ready server has no readiness limit": {
			snap: run(server("s", ready(0)), job("a", running(0))), session: ci(0, second), now: time.Hour,
		},
		"the server that's late for longest is blamed": {
			snap: run(server("c", notReady(0)), server("a", notReady(second)), server("b", notReady(0))), session: ci(0, second),
			now: minute, verdict: ReadinessTimeout, err: "Readiness timeout after 1s: target b:serve not ready",
		},
		"the next look is at the first limit of many": {
			snap:    run(server("a", notReady(20*second)), server("b", notReady(10*second)), server("c", notReady(30*second))),
			session: ci(10*minute, minute), now: 30 * second, next: 70 * second,
		},
		"the overall limit comes first": {
			snap: run(server("a", notReady(20*second))), session: ci(70*second, minute), now: 30 * second, next: 70 * second,
		},
		"a server's own limit goes before the Session's": {
			snap: run(server("s", own(minute, ""))), session: ci(0, 5*minute), now: minute,
			verdict: ReadinessTimeout, err: "Readiness timeout after 1m0s: target s:serve not ready",
		},
		"a server's own limit may be the longer one": {
			snap: run(server("s", own(5*minute, ""))), session: ci(0, minute), now: 2 * minute, next: 5 * minute,
		},
		"a server's own limit is the only one": {
			snap: run(server("s", own(minute, ""))), session: unlimited, now: minute,
			verdict: ReadinessTimeout, err: "Readiness timeout after 1m0s: target s:serve not ready",
		},
		"a server that's launched again has the time of the first launch": {
			snap: run(server("s", again)), session: ci(0, minute), now: minute, next: 70 * second,
		},
		"so it may be late as soon as it's launched": {
			snap: run(server("s", again)), session: ci(0, minute), now: 70 * second,
			verdict: ReadinessTimeout, err: "Readiness timeout after 1m0s: target s:serve not ready",
		},
		"or while it waits for that": {
			snap: run(restarting), session: ci(0, minute), now: minute,
			verdict: ReadinessTimeout, err: "Readiness timeout after 1m0s: target r:serve not ready",
		},
		"the error has the last probe": {
			snap: run(server("s", own(0, "dial tcp:\n  connection refused\n"))), session: ci(0, minute), now: minute,
			verdict: ReadinessTimeout, err: "Readiness timeout after 1m0s: target s:serve not ready: dial tcp: connection refused",
		},
		"the error has the beginning of a long probe": {
			snap: run(server("s", own(0, strings.Repeat("é", 300)+"\xff"))), session: ci(0, minute), now: minute,
			verdict: ReadinessTimeout, err: "Readiness timeout after 1m0s: target s:serve not ready: " + strings.Repeat("é", 199) + "…",
		},
		"the error lists the targets, then their last probes": {
			snap:    run(server("s", own(0, "no")), server("p", own(0, "not\nyet")), server("q", notReady(0)), waitsForDep),
			session: ci(minute, 0), now: minute, verdict: Timeout,
			err: "Timeout after 1m0s: 1 resources waiting (w:update waiting-for-dep), " +
				"3 resources not ready (p:serve,q:serve,s:serve); last probe of p:serve: not yet; last probe of s:serve: no",
		},
		"what has failed and is started again": {
			snap:    run(restarting, job("j", engine.UpdateState{Hold: engine.HoldRetrying}), waitsForDep, job("b", running(0))),
			session: ci(minute, 0), now: minute, verdict: Timeout,
			err: "Timeout after 1m0s: 1 resources waiting (w:update waiting-for-dep), 1 resources not ready (b:update), " +
				"2 resources retrying (j:update,r:serve)",
		},
		"readiness takes precedence over the overall limit": {
			snap: run(server("a", notReady(0))), session: ci(second, second), now: minute,
			verdict: ReadinessTimeout, err: "Readiness timeout after 1s: target a:serve not ready",
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
		})
	}
}

func TestNoLimitBeforeTheRunBegan(t *testing.T) {
	status, next := Status(&engine.Snapshot{}, ci(1, 1), at(0))
	if status.Done || !next.IsZero() {
		t.Errorf("done %v, next look at %v", status.Done, next)
	}
}

func TestTimeoutListsSomeProbes(t *testing.T) {
	var servers []engine.ResourceState
	for i := range maxProbes + 3 {
		s := notReady(0)
		s.Detail = "no"
		servers = append(servers, server(fmt.Sprintf("s%02d", i), s))
	}
	status, _ := Status(run(servers...), ci(1, 0), at(time.Minute))
	if n := strings.Count(status.Error, "last probe of"); n != maxProbes || !strings.HasSuffix(status.Error, "last probe of s09:serve: no; and of 3 more") {
		t.Errorf("error %q", status.Error)
	}
}

func TestLimitsInEffect(t *testing.T) {
	duration := func(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }
	flag := &v1alpha1.SessionCISpec{Timeout: duration(time.Minute), ReadinessTimeout: duration(2 * time.Minute)}
	for name, tc := range map[string]struct {
		spec     *v1alpha1.SessionCISpec
		settings *model.CISettings
		want     *v1alpha1.SessionCISpec
	}{
		"the Tiltfile couldn't be read": {flag, nil, nil},
		"defaults": {nil, &model.CISettings{}, &v1alpha1.SessionCISpec{
			Timeout: duration(30 * time.Minute), ReadinessTimeout: duration(5 * time.Minute),
		}},
		"the Session's own": {flag, &model.CISettings{}, flag},
		"the Tiltfile beats the Session": {flag,
			&model.CISettings{Timeout: pointer(time.Hour), ReadinessTimeout: pointer(time.Second), K8sGracePeriod: pointer(3 * time.Second)},
			&v1alpha1.SessionCISpec{Timeout: duration(time.Hour), ReadinessTimeout: duration(time.Second), K8sGracePeriod: duration(3 * time.Second)},
		},
		"zero is a value": {flag, &model.CISettings{Timeout: pointer(time.Duration(0))},
			&v1alpha1.SessionCISpec{Timeout: duration(0), ReadinessTimeout: duration(2 * time.Minute)},
		},
		"zero of the flag is a value": {&v1alpha1.SessionCISpec{Timeout: duration(0)}, &model.CISettings{},
			&v1alpha1.SessionCISpec{Timeout: duration(0), ReadinessTimeout: duration(5 * time.Minute)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, limitsInEffect(tc.spec, tc.settings)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The limits that status.ci shows are the ones that decide, and the spec stays its user's.
func TestStatusHasTheLimitsThatDecide(t *testing.T) {
	session, snap := ci(time.Hour, 0), run(job("a", running(0)))
	if status, next := Status(snap, session, at(time.Second)); status.CI != nil || !next.Equal(at(time.Hour)) {
		t.Errorf("before the Tiltfile was read: %+v, next look at %v", status.CI, next)
	}
	snap.Tiltfile.CI = &model.CISettings{Timeout: pointer(time.Minute)}
	spec := session.Spec.DeepCopy()
	status, next := Status(snap, session, at(time.Second))
	if !next.Equal(at(time.Minute)) || status.CI.Timeout.Duration != time.Minute || status.CI.ReadinessTimeout.Duration != 0 {
		t.Errorf("%+v, next look at %v", status.CI, next)
	}
	if diff := cmp.Diff(spec, &session.Spec); diff != "" {
		t.Errorf("the spec has changed: %s", diff)
	}
	if status, _ := Status(snap, session, at(time.Minute)); VerdictOf(status) != Timeout || status.CI == nil {
		t.Errorf("after a minute: %+v", status)
	}
	// Where ci_settings sets nothing, a change of the spec acts at once.
	snap.Tiltfile.CI = &model.CISettings{}
	session.Spec.CI.Timeout.Duration = 2 * time.Second
	if status, _ := Status(snap, session, at(2*time.Second)); VerdictOf(status) != Timeout || status.CI.Timeout.Duration != 2*time.Second {
		t.Errorf("after a change of the spec: %+v", status)
	}
}
