// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"testing"
	"time"

	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// start is when the runs of these tests begin.
var start = time.Date(2026, 3, 4, 5, 6, 7, 123456000, time.UTC)

// at is a moment of the run.
func at(d time.Duration) time.Time { return start.Add(d) }

func pointer[T any](v T) *T { return &v }

// loaded is a Tiltfile that was evaluated without an error.
var loaded = engine.TiltfileState{
	Path:        "/p/Tiltfile",
	Last:        &engine.Exit{Start: at(0), Finish: at(time.Millisecond)},
	Evaluations: 1,
}

// run is a snapshot with an evaluated Tiltfile.
func run(resources ...engine.ResourceState) *engine.Snapshot {
	return &engine.Snapshot{Version: 7, PID: 42, StartTime: start, Tiltfile: loaded, Resources: resources}
}

func job(name string, u engine.UpdateState) engine.ResourceState {
	return engine.ResourceState{Name: name, Update: &u}
}

func server(name string, s engine.RuntimeState) engine.ResourceState {
	s.Verb = "serve"
	return engine.ResourceState{Name: name, Runtime: &s}
}

func running(since time.Duration) engine.UpdateState {
	return engine.UpdateState{Running: at(since)}
}

func succeeded(finish time.Duration) engine.UpdateState {
	return engine.UpdateState{Last: &engine.Exit{Start: at(0), Finish: at(finish), Code: pointer(0)}}
}

func failed(finish time.Duration, err string) engine.UpdateState {
	return engine.UpdateState{Last: &engine.Exit{Start: at(0), Finish: at(finish), Error: err, Code: pointer(3)}}
}

func ready(since time.Duration) engine.RuntimeState {
	return engine.RuntimeState{Verb: "serve", Running: &engine.Running{PID: 9, Start: at(since), Phase: engine.Ready, LastReady: at(since)}}
}

// probed is a server that has a readiness probe.
func probed(s engine.RuntimeState) engine.RuntimeState {
	s.Probed = true
	return s
}

func notReady(since time.Duration) engine.RuntimeState {
	return engine.RuntimeState{Verb: "serve", Running: &engine.Running{PID: 9, Start: at(since)}}
}

func manual() *v1alpha1.Session {
	return &v1alpha1.Session{Spec: v1alpha1.SessionSpec{
		TiltfilePath: "/p/Tiltfile", ExitCondition: v1alpha1.ExitConditionManual,
	}}
}

// ci is a Session with the given limits, zero for none.
func ci(timeout, readiness time.Duration) *v1alpha1.Session {
	s := manual()
	s.Generation = 3
	s.Spec.ExitCondition = v1alpha1.ExitConditionCI
	s.Spec.CI = &v1alpha1.SessionCISpec{
		Timeout:          &metav1.Duration{Duration: timeout},
		ReadinessTimeout: &metav1.Duration{Duration: readiness},
	}
	return s
}
