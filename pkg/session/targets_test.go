// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

func micro(d time.Duration) metav1.MicroTime { return metav1.NewMicroTime(at(d)) }

func waits(reason string) v1alpha1.TargetState {
	return v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{WaitReason: reason}}
}

func TestTiltfileState(t *testing.T) {
	end := &engine.Exit{Start: at(1), Finish: at(time.Second), Error: "boom"}
	for name, tc := range map[string]struct {
		in    engine.TiltfileState
		want  v1alpha1.TargetState
		phase Phase
	}{
		"before the first evaluation": {
			engine.TiltfileState{}, waits("initial-build"), PhaseWaiting,
		},
		"wanted before the first evaluation": {
			engine.TiltfileState{Pending: true}, waits("config-changed"), PhaseWaiting,
		},
		"evaluating": {
			engine.TiltfileState{Running: at(time.Second)},
			v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: micro(time.Second)}}, PhaseActive,
		},
		"evaluating beats pending and history": {
			engine.TiltfileState{Running: at(time.Second), Pending: true, Last: end},
			v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: micro(time.Second)}}, PhaseActive,
		},
		"a changed input beats history": {
			engine.TiltfileState{Pending: true, Last: end}, waits("config-changed"), PhaseWaiting,
		},
		"failed": {
			engine.TiltfileState{Last: end},
			v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{
				StartTime: micro(0), FinishTime: micro(time.Second), Error: "boom",
			}}, PhaseFailed,
		},
		"evaluated": {
			loaded,
			v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{
				StartTime: micro(0), FinishTime: micro(time.Millisecond),
			}}, PhaseSucceeded,
		},
	} {
		t.Run(name, func(t *testing.T) {
			snap := &engine.Snapshot{Tiltfile: tc.in}
			want := []v1alpha1.Target{{
				Name: "tiltfile:update", Type: v1alpha1.TargetTypeJob, Resources: []string{"(Tiltfile)"}, State: tc.want,
			}}
			if diff := cmp.Diff(want, targetsOf(snap)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]Phase{tc.phase}, Phases(snap)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUpdateState(t *testing.T) {
	last := &engine.Exit{Start: at(1), Finish: at(time.Second), Error: "boom", Code: pointer(3)}
	lastState := &v1alpha1.TargetStateTerminated{
		StartTime: micro(0), FinishTime: micro(time.Second), Error: "boom", ExitCode: pointer[int32](3),
	}
	active := &v1alpha1.TargetStateActive{StartTime: micro(time.Minute)}
	for name, tc := range map[string]struct {
		disabled bool
		in       engine.UpdateState
		want     v1alpha1.TargetState
		phase    Phase
	}{
		"never requested": {
			in: engine.UpdateState{}, want: v1alpha1.TargetState{}, phase: PhaseInactive,
		},
		"held": {
			in:   engine.UpdateState{Hold: engine.HoldWaitingForDep},
			want: waits("waiting-for-dep"), phase: PhaseWaiting,
		},
		"held after an execution": {
			in:   engine.UpdateState{Hold: engine.HoldPendingTrigger, Last: last},
			want: waits("pending-trigger"), phase: PhaseWaiting,
		},
		"executed again after a failure": {
			in:   engine.UpdateState{Hold: engine.HoldRetrying, Last: last, Retries: 3},
			want: waits("retrying"), phase: PhaseWaiting,
		},
		"executing": {
			in:   engine.UpdateState{Running: at(time.Minute)},
			want: v1alpha1.TargetState{Active: active}, phase: PhaseActive,
		},
		"executing stays active while another execution is wanted": {
			in:   engine.UpdateState{Running: at(time.Minute), Hold: engine.HoldWaitingForLocal, Last: last},
			want: v1alpha1.TargetState{Active: active}, phase: PhaseActive,
		},
		"failed": {
			in:   engine.UpdateState{Last: last},
			want: v1alpha1.TargetState{Terminated: lastState}, phase: PhaseFailed,
		},
		"succeeded": {
			in: engine.UpdateState{Last: &engine.Exit{Start: at(0), Finish: at(time.Second), Code: pointer(0)}},
			want: v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{
				StartTime: micro(0), FinishTime: micro(time.Second), ExitCode: pointer[int32](0),
			}}, phase: PhaseSucceeded,
		},
		"killed": {
			in: engine.UpdateState{Last: &engine.Exit{Start: at(0), Finish: at(time.Second), Error: "e", Signal: "killed"}},
			want: v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{
				StartTime: micro(0), FinishTime: micro(time.Second), Error: "e", Signal: "killed",
			}}, phase: PhaseFailed,
		},
		"never launched": {
			in: engine.UpdateState{Last: &engine.Exit{Finish: at(time.Second), Error: "e"}},
			want: v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{
				FinishTime: micro(time.Second), Error: "e",
			}}, phase: PhaseFailed,
		},
		"disabled": {
			disabled: true,
			in:       engine.UpdateState{Running: at(time.Minute), Hold: engine.HoldWaitingForDep, Last: last},
			want:     v1alpha1.TargetState{Disabled: &v1alpha1.TargetStateDisabled{}}, phase: PhaseDisabled,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := job("a", tc.in)
			r.Disabled = tc.disabled
			checkTarget(t, r, "a:update", v1alpha1.TargetTypeJob, tc.want, []Phase{tc.phase, PhaseAbsent})
		})
	}
}

func TestServeState(t *testing.T) {
	exit := &engine.Exit{Start: at(1), Finish: at(time.Second), Error: "Process 9 exited with code 3", Code: pointer(3)}
	process := &engine.Running{PID: 9, Start: at(time.Second), Phase: engine.Ready, LastReady: at(2 * time.Second)}
	for name, tc := range map[string]struct {
		disabled bool
		in       engine.RuntimeState
		want     v1alpha1.TargetState
		phase    Phase
	}{
		"never requested": {
			in: engine.RuntimeState{}, want: v1alpha1.TargetState{}, phase: PhaseInactive,
		},
		"held": {
			in:   engine.RuntimeState{Hold: engine.HoldWaitingForUpdate},
			want: waits("waiting-for-update"), phase: PhaseWaiting,
		},
		"launched again after a while": {
			in:   engine.RuntimeState{Hold: engine.HoldRestarting},
			want: waits("restarting"), phase: PhaseWaiting,
		},
		"ready": {
			in: engine.RuntimeState{Running: process},
			want: v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{
				StartTime: micro(time.Second), Ready: true, LastReadyTime: micro(2 * time.Second),
			}}, phase: PhaseReady,
		},
		"runs on while it's wanted anew": {
			in: engine.RuntimeState{Running: process, Hold: engine.HoldWaitingForUpdate},
			want: v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{
				StartTime: micro(time.Second), Ready: true, LastReadyTime: micro(2 * time.Second),
			}}, phase: PhaseReady,
		},
		"not ready yet": {
			in:    engine.RuntimeState{Running: &engine.Running{PID: 9, Start: at(time.Second)}},
			want:  v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: micro(time.Second)}},
			phase: PhaseActive,
		},
		"not ready any more": {
			in: engine.RuntimeState{Running: &engine.Running{PID: 9, Start: at(time.Second), LastReady: at(2 * time.Second)}},
			want: v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{
				StartTime: micro(time.Second), LastReadyTime: micro(2 * time.Second),
			}}, phase: PhaseActive,
		},
		"being replaced": {
			in:    engine.RuntimeState{Running: &engine.Running{PID: 9}},
			want:  v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{}},
			phase: PhaseActive,
		},
		"ended": {
			in: engine.RuntimeState{Exit: exit, Running: process, Hold: engine.HoldStarting},
			want: v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{
				StartTime: micro(0), FinishTime: micro(time.Second), Error: exit.Error, ExitCode: pointer[int32](3),
			}}, phase: PhaseFailed,
		},
		"ended without an error": {
			in: engine.RuntimeState{Exit: &engine.Exit{Start: at(0), Finish: at(time.Second), Code: pointer(0)}},
			want: v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{
				StartTime: micro(0), FinishTime: micro(time.Second), Error: "Server ended", ExitCode: pointer[int32](0),
			}}, phase: PhaseFailed,
		},
		"disabled": {
			disabled: true,
			in:       engine.RuntimeState{Exit: exit, Running: process, Hold: engine.HoldStarting},
			want:     v1alpha1.TargetState{Disabled: &v1alpha1.TargetStateDisabled{}}, phase: PhaseDisabled,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := server("a", tc.in)
			r.Disabled = tc.disabled
			checkTarget(t, r, "a:serve", v1alpha1.TargetTypeServer, tc.want, []Phase{PhaseAbsent, tc.phase})
		})
	}
}

// checkTarget compares the only target of r, and its phases, with what's wanted.
func checkTarget(t *testing.T, r engine.ResourceState, name string, kind v1alpha1.TargetType,
	want v1alpha1.TargetState, phases []Phase) {
	t.Helper()
	got := targetsOf(run(r))
	if diff := cmp.Diff(v1alpha1.Target{Name: name, Type: kind, Resources: []string{"a"}, State: want}, got[0]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(append([]Phase{PhaseSucceeded}, phases...), Phases(run(r))); diff != "" {
		t.Error(diff)
	}
}

func TestTargetsAreSortedByBytes(t *testing.T) {
	snap := run()
	for _, name := range []string{"z", "a b", "é", "a", "tiltfilf", "B", "a-b", "tilt", "a.b"} {
		u, s := succeeded(1), ready(1)
		snap.Resources = append(snap.Resources, engine.ResourceState{Name: name, Update: &u, Runtime: &s})
	}
	want := []string{
		"B:serve", "B:update", "a b:serve", "a b:update", "a-b:serve", "a-b:update", "a.b:serve", "a.b:update",
		"a:serve", "a:update", "tilt:serve", "tilt:update", "tiltfile:update", "tiltfilf:serve", "tiltfilf:update",
		"z:serve", "z:update", "é:serve", "é:update",
	}
	var got []string
	for _, target := range targetsOf(snap) {
		got = append(got, target.Name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTimesAreCutToMicroseconds(t *testing.T) {
	got := targetsOf(run(job("a", engine.UpdateState{Running: at(1999 * time.Nanosecond)})))[0]
	if want := at(time.Microsecond); got.State.Active.StartTime.Time != want {
		t.Errorf("start time %v, want %v", got.State.Active.StartTime, want)
	}
}

func TestRestartsAreCounted(t *testing.T) {
	u, s := succeeded(1), ready(1)
	u.Attempt, u.Retries, s.Restarts = 2, 3, 4
	count := func(disabled bool) []int32 {
		var got []int32
		for _, target := range targetsOf(run(engine.ResourceState{Name: "a", Disabled: disabled, Update: &u, Runtime: &s})) {
			got = append(got, target.RestartCount)
		}
		return got
	}
	// The targets are a:serve, a:update and tiltfile:update.
	if diff := cmp.Diff([]int32{4, 2, 0}, count(false)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int32{0, 0, 0}, count(true)); diff != "" {
		t.Error(diff)
	}
}

func TestTextIsMadeUTF8(t *testing.T) {
	got := targetsOf(run(job("a\xff", failed(1, "bad \xc3 byte"))))[0]
	if got.Name != "a\uFFFD:update" || got.Resources[0] != "a\uFFFD" || got.State.Terminated.Error != "bad \uFFFD byte" {
		t.Errorf("got %q %q %q", got.Name, got.Resources, got.State.Terminated.Error)
	}
}

func TestPhaseOfPublishedState(t *testing.T) {
	for _, tc := range []struct {
		state v1alpha1.TargetState
		want  string
	}{
		{v1alpha1.TargetState{}, "inactive"},
		{v1alpha1.TargetState{Disabled: &v1alpha1.TargetStateDisabled{}}, "disabled"},
		{waits("x"), "waiting"},
		{v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{}}, "active"},
		{v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{Ready: true}}, "ready"},
		{v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{}}, "succeeded"},
		{v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{Error: "x"}}, "failed"},
	} {
		if got := PhaseOf(tc.state).String(); got != tc.want {
			t.Errorf("PhaseOf(%+v) = %s, want %s", tc.state, got, tc.want)
		}
	}
}
