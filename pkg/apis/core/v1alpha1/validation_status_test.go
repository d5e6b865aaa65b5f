// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

func terminated(change func(*v1alpha1.TargetStateTerminated)) v1alpha1.TargetState {
	state := &v1alpha1.TargetStateTerminated{}
	change(state)
	return v1alpha1.TargetState{Terminated: state}
}

func TestValidateTarget(t *testing.T) {
	three := int32(3)
	job := func(state v1alpha1.TargetState) v1alpha1.Target {
		return v1alpha1.Target{Name: "a:update", Type: v1alpha1.TargetTypeJob, Resources: []string{"a"}, State: state}
	}
	for _, test := range []struct {
		name   string
		target v1alpha1.Target
		want   []string
	}{
		{"inactive", job(v1alpha1.TargetState{}), nil},
		{"waiting", job(v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{WaitReason: "waiting-for-dep"}}), nil},
		{"disabled", job(v1alpha1.TargetState{Disabled: &v1alpha1.TargetStateDisabled{}}), nil},
		{"times are optional", job(v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{}}), nil},
		{"resources are optional", v1alpha1.Target{Name: "a:serve", Type: v1alpha1.TargetTypeServer}, nil},
		{"exit code", job(terminated(func(s *v1alpha1.TargetStateTerminated) { s.ExitCode = &three })), nil},
		{"signal", job(terminated(func(s *v1alpha1.TargetStateTerminated) { s.Signal = "killed" })), nil},
		{"tolerated", job(terminated(func(s *v1alpha1.TargetStateTerminated) { s.GraceStatus = v1alpha1.TargetGraceTolerated })), nil},
		{"empty", v1alpha1.Target{}, []string{
			`status.targets[0].name: Required value: cannot be empty`,
			`status.targets[0].type: Required value: valid values: job, server`,
		}},
		{"type", v1alpha1.Target{Name: "a", Type: "Job"}, []string{
			`status.targets[0].type: Unsupported value: "Job": valid values: job, server`,
		}},
		{"restarts", v1alpha1.Target{Name: "a:serve", Type: v1alpha1.TargetTypeServer, RestartCount: 3}, nil},
		{"fewer than no restarts", v1alpha1.Target{Name: "a:serve", Type: v1alpha1.TargetTypeServer, RestartCount: -1}, []string{
			`status.targets[0].restartCount: Invalid value: -1: must not be negative`,
		}},
		{"two states", job(v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{}, Active: &v1alpha1.TargetStateActive{}}), []string{
			`status.targets[0].state: Invalid value: "waiting, active": at most one may be set`,
		}},
		{"all states", job(v1alpha1.TargetState{
			Waiting: &v1alpha1.TargetStateWaiting{}, Active: &v1alpha1.TargetStateActive{},
			Terminated: &v1alpha1.TargetStateTerminated{}, Disabled: &v1alpha1.TargetStateDisabled{},
		}), []string{
			`status.targets[0].state: Invalid value: "waiting, active, terminated, disabled": at most one may be set`,
		}},
		{"grace status", job(terminated(func(s *v1alpha1.TargetStateTerminated) { s.GraceStatus = "Forgiven" })), []string{
			`status.targets[0].state.terminated.graceStatus: Unsupported value: "Forgiven": valid values: Tolerated, Exceeded`,
		}},
		{"exit code and signal", job(terminated(func(s *v1alpha1.TargetStateTerminated) { s.ExitCode, s.Signal = &three, "killed" })), []string{
			`status.targets[0].state.terminated.exitCode: Forbidden: a process ended by a signal has no exit code`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			session := validSession()
			session.Status.Targets = []v1alpha1.Target{test.target}
			want := append([]string{}, test.want...)
			if diff := cmp.Diff(want, messages(v1alpha1.ValidateSessionStatusUpdate(session, validSession()))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateStatusReportsEverythingAtOnce(t *testing.T) {
	micro := metav1.NewMicroTime(beyond)
	session := validSession()
	session.Status = v1alpha1.SessionStatus{
		PID:       -1,
		StartTime: micro,
		Targets: []v1alpha1.Target{
			{Name: "a", Type: v1alpha1.TargetTypeServer, State: v1alpha1.TargetState{
				Active: &v1alpha1.TargetStateActive{StartTime: micro, LastReadyTime: micro},
			}},
			{Name: "b", Type: v1alpha1.TargetTypeJob, State: v1alpha1.TargetState{
				Terminated: &v1alpha1.TargetStateTerminated{StartTime: micro, FinishTime: micro},
			}},
			{},
		},
		Conditions: []metav1.Condition{
			{Type: "Ready", Status: metav1.ConditionTrue, Reason: "AllReady", LastTransitionTime: metav1.NewTime(beyond)},
			{Type: "Ready", Status: "Maybe", Reason: "no reason"},
		},
	}
	var got []string
	for _, err := range v1alpha1.ValidateSessionStatusUpdate(session, validSession()) {
		got = append(got, err.Field)
	}
	want := []string{
		"status.startTime",
		"status.pid",
		"status.targets[0].state.active.startTime",
		"status.targets[0].state.active.lastReadyTime",
		"status.targets[1].state.terminated.startTime",
		"status.targets[1].state.terminated.finishTime",
		"status.targets[2].name",
		"status.targets[2].type",
		"status.conditions[1].type",
		"status.conditions[1].status",
		"status.conditions[1].lastTransitionTime",
		"status.conditions[1].reason",
		"status.conditions[0].lastTransitionTime",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields refused (-want +got):\n%s", diff)
	}
}

func TestStatusWithoutAnythingIsValid(t *testing.T) {
	session := validSession()
	if errs := v1alpha1.ValidateSessionStatusUpdate(session, session); len(errs) > 0 {
		t.Error(errs.ToAggregate())
	}
}

func TestEarliestAndLatestTimesAreValid(t *testing.T) {
	for _, limit := range []time.Time{
		time.Date(0, time.January, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, time.December, 31, 23, 59, 59, 999999000, time.UTC),
	} {
		session := validSession()
		session.Status.StartTime = metav1.NewMicroTime(limit)
		if errs := v1alpha1.ValidateSessionStatusUpdate(session, session); len(errs) > 0 {
			t.Error(errs.ToAggregate())
		}
	}
}
