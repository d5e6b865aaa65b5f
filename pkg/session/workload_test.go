// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// targetsOf are the targets of a snapshot without a grace period.
func targetsOf(snap *engine.Snapshot) []v1alpha1.Target {
	list, _ := targets(snap, 0, time.Time{})
	return list
}

// workload is a resource that was deployed at its start.
func workload(name string, r engine.Running) engine.ResourceState {
	r.Start = at(time.Second)
	deployed := succeeded(time.Second)
	return engine.ResourceState{Name: name, Update: &deployed, Runtime: &engine.RuntimeState{
		Verb: "runtime", Probed: true, Running: &r,
	}}
}

func TestWorkloadStates(t *testing.T) {
	for _, c := range []struct {
		name string
		in   engine.Running
		want *v1alpha1.TargetState
	}{
		{"applied", engine.Running{}, &v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: micro(time.Second)}}},
		{"no pod", engine.Running{Phase: engine.Pending, Reason: "waiting-for-pod"},
			&v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{
				WaitReason: "waiting-for-pod", Since: pointer(micro(time.Second))}}},
		{"no reason", engine.Running{Phase: engine.Pending},
			&v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{
				WaitReason: "unknown", Since: pointer(micro(time.Second))}}},
		{"ready", engine.Running{Phase: engine.Ready, LastReady: at(2 * time.Second)},
			&v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{
				StartTime: micro(time.Second), Ready: true, LastReadyTime: micro(2 * time.Second),
			}}},
		{"succeeded", engine.Running{Phase: engine.Succeeded, Changed: at(3 * time.Second)},
			&v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{
				StartTime: micro(time.Second), FinishTime: micro(3 * time.Second),
			}}},
		{"failed", engine.Running{Phase: engine.Failed, Error: "crash", Since: at(2 * time.Second), Changed: at(3 * time.Second)},
			&v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{
				StartTime: micro(2 * time.Second), FinishTime: micro(3 * time.Second), Error: "crash",
			}}},
		{"nothing to say", engine.Running{Phase: engine.Absent}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := targetsOf(run(workload("a", c.in)))
			i := slices.IndexFunc(got, func(t v1alpha1.Target) bool { return t.Name == "a:runtime" })
			switch {
			case c.want == nil && i >= 0:
				t.Errorf("there is a target: %+v", got[i])
			case c.want != nil && i < 0:
				t.Error("there is no target")
			case c.want != nil:
				if diff := cmp.Diff(*c.want, got[i].State); diff != "" {
					t.Errorf("state (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestGracePeriod(t *testing.T) {
	failing := engine.Running{Phase: engine.Failed, Error: "crash", Changed: at(2 * time.Second)}
	s := ci(0, 0)
	s.Spec.CI.K8sGracePeriod = &metav1.Duration{Duration: 10 * time.Second}
	snap := run(workload("a", failing))
	for _, c := range []struct {
		now     time.Duration
		grace   v1alpha1.TargetGraceStatus
		verdict Verdict
		next    time.Time
	}{
		{3 * time.Second, v1alpha1.TargetGraceTolerated, Undecided, at(11 * time.Second)},
		{11 * time.Second, v1alpha1.TargetGraceExceeded, TargetFailed, time.Time{}},
	} {
		status, next := Status(snap, s, at(c.now))
		if got := status.Targets[0].State.Terminated.GraceStatus; got != c.grace {
			t.Errorf("after %v: graceStatus %q, want %q", c.now, got, c.grace)
		}
		if got := VerdictOf(status); got != c.verdict || !next.Equal(c.next) {
			t.Errorf("after %v: %q, next %v, want %q, %v", c.now, got, next, c.verdict, c.next)
		}
	}
	s.Spec.CI.K8sGracePeriod = nil
	if status, _ := Status(snap, s, at(3*time.Second)); VerdictOf(status) != TargetFailed {
		t.Errorf("without a grace period: %q", VerdictOf(status))
	}
}

// A job has no readiness limit, and a workload that isn't there yet has.
func TestReadinessOfWorkloads(t *testing.T) {
	pending := engine.Running{Phase: engine.Pending, Reason: "Unschedulable"}
	s := ci(0, time.Minute)
	server := workload("a", pending)
	server.Runtime.Detail = "0/1 nodes are available"
	status, _ := Status(run(server), s, at(2*time.Minute))
	want := "Readiness timeout after 1m0s: target a:runtime not ready: 0/1 nodes are available"
	if status.Error != want {
		t.Errorf("error %q, want %q", status.Error, want)
	}
	job := workload("a", pending)
	job.Runtime.Ends = true
	if status, _ := Status(run(job), s, at(2*time.Minute)); status.Done {
		t.Errorf("a job that waits is over: %s", status.Error)
	}
}

// A pod without a readiness probe may end at once.
func TestUnprovenWorkload(t *testing.T) {
	snap := run(workload("a", engine.Running{
		Phase: engine.Ready, Changed: at(2 * time.Second), LastReady: at(2 * time.Second), Unproven: at(7 * time.Second),
	}))
	status, next := Status(snap, ci(0, 0), at(3*time.Second))
	if status.Done || !next.Equal(at(7*time.Second)) {
		t.Errorf("done: %t, next %v", status.Done, next)
	}
	if status, _ := Status(snap, ci(0, 0), at(7*time.Second)); VerdictOf(status) != Succeeded {
		t.Errorf("after that: %q", VerdictOf(status))
	}
}

func TestImageTargets(t *testing.T) {
	image := func(name string, users ...string) engine.ResourceState {
		built := failed(time.Second, "no")
		return engine.ResourceState{Name: "image:" + name, Resources: users, Update: &built}
	}
	snap := run(workload("a", engine.Running{}))
	snap.Images = []engine.ResourceState{image("web", "a", "b"), image("runtime", "a"), image("x/y:serve", "a"), image("z:serve", "a")}
	var names []string
	for _, target := range targetsOf(snap) {
		if target.Type == v1alpha1.TargetTypeJob && target.State.Terminated.Error != "" {
			names = append(names, target.Name)
		}
		if target.Name == "image:web" && !slices.Equal(target.Resources, []string{"a", "b"}) {
			t.Errorf("resources %q", target.Resources)
		}
	}
	want := []string{"image:docker.io/library/runtime", "image:docker.io/library/z:serve", "image:web", "image:x/y:serve"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	if got := len(Phases(snap)); got != 1+2*(1+4) {
		t.Errorf("%d phases", got)
	}
}

// TestReportedExit: what has ended within a runtime that goes on has its exit code, or the name of its signal.
func TestReportedExit(t *testing.T) {
	code := int32(3)
	for name, test := range map[string]struct {
		running engine.Running
		code    *int32
		signal  string
	}{
		"none":   {engine.Running{Phase: engine.Failed, Error: "x"}, nil, ""},
		"code":   {engine.Running{Phase: engine.Failed, Error: "x", Exited: true, Code: 3}, &code, ""},
		"signal": {engine.Running{Phase: engine.Failed, Error: "x", Exited: true, Code: 137, Signal: "killed"}, nil, "killed"},
	} {
		got := runtimeState(&engine.ResourceState{Runtime: &engine.RuntimeState{Running: &test.running}}).Terminated
		if got == nil || got.Signal != test.signal || (got.ExitCode == nil) != (test.code == nil) ||
			got.ExitCode != nil && *got.ExitCode != *test.code {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
