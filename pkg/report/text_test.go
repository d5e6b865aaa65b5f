// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func at(d time.Duration) metav1.MicroTime { return metav1.NewMicroTime(epoch.Add(d)) }

func target(name string, kind v1alpha1.TargetType, state v1alpha1.TargetState) v1alpha1.Target {
	resource, _, _ := strings.Cut(name, ":")
	return v1alpha1.Target{Name: name, Type: kind, Resources: []string{resource}, State: state}
}

func sessionOf(targets ...v1alpha1.Target) *v1alpha1.Session {
	return &v1alpha1.Session{Status: v1alpha1.SessionStatus{Targets: targets}}
}

func failed(name string, finish time.Duration, text string, code *int32, signal string) v1alpha1.Target {
	return target(name, v1alpha1.TargetTypeJob, v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{
		StartTime: at(0), FinishTime: at(finish), Error: text, ExitCode: code, Signal: signal}})
}

func restarted(times int32, t v1alpha1.Target) v1alpha1.Target {
	t.RestartCount = times
	return t
}

func waiting(name, reason string, on ...string) v1alpha1.Target {
	return target(name, v1alpha1.TargetTypeJob, v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{WaitReason: reason, On: on}})
}

func active(name string, ready time.Duration) v1alpha1.Target {
	state := &v1alpha1.TargetStateActive{StartTime: at(0)}
	if ready >= 0 {
		state.Ready, state.LastReadyTime = true, at(ready)
	}
	return target(name, v1alpha1.TargetTypeServer, v1alpha1.TargetState{Active: state})
}

func succeeded(name string, took time.Duration) v1alpha1.Target {
	return target(name, v1alpha1.TargetTypeJob, v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{StartTime: at(0), FinishTime: at(took)}})
}

// ended is a Session with a verdict that began at the epoch.
func ended(verdict session.Verdict, text string, targets ...v1alpha1.Target) *v1alpha1.Session {
	s := sessionOf(targets...)
	s.Spec = v1alpha1.SessionSpec{TiltfilePath: "/repo/app/Tiltfile", ExitCondition: v1alpha1.ExitConditionCI}
	s.Status.StartTime = at(0)
	if verdict != session.Undecided {
		s.Status.Done, s.Status.Error = true, text
		kind := v1alpha1.SessionConditionFailed
		if verdict == session.Succeeded {
			kind = v1alpha1.SessionConditionSucceeded
		}
		s.Status.Conditions = []metav1.Condition{{Type: kind, Status: metav1.ConditionTrue, Reason: string(verdict)}}
	}
	return s
}

// log is the output of resources.
type log map[string][]string

func (l log) Tail(source string, n int) (lines []logs.Line) {
	all := l[source]
	for i, text := range all[max(0, len(all)-n):] {
		lines = append(lines, logs.Line{Seq: uint64(i + 1), Source: source, Text: text})
	}
	return lines
}

func (l log) Written(source string) uint64 { return uint64(len(l[source])) }

func reportOf(s *v1alpha1.Session, code int, change ...func(*Input)) *Report {
	in := Input{Session: s, Version: "v1.2.3", Root: "/repo", Host: "host", ExitCode: code, End: epoch.Add(5 * time.Second)}
	for _, f := range change {
		f(&in)
	}
	return New(in)
}

func textOf(t *testing.T, r *Report, written ...string) string {
	t.Helper()
	var b strings.Builder
	if err := Text(&b, r, written); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextOfAFailure(t *testing.T) {
	code := int32(3)
	s := ended(session.TargetFailed, "Command \"x\" failed: exit status 3",
		succeeded("a:update", 1234*time.Millisecond),
		failed("b:update", 2*time.Second, "Command \"x\" failed: exit status 3", &code, ""),
		active("c:serve", 2*time.Millisecond), active("d:serve", -1),
		waiting("e:update", "waiting-for-dep", "b:update"), waiting("f:update", "waiting-for-dep", "e:update"),
		target("g:update", v1alpha1.TargetTypeJob, v1alpha1.TargetState{Disabled: &v1alpha1.TargetStateDisabled{}}),
		target("h:update", v1alpha1.TargetTypeJob, v1alpha1.TargetState{}),
		restarted(2, failed("i:update", time.Second, "Command \"y\" failed: timed out after 1s", nil, "killed")),
		restarted(3, active("k:serve", 0)),
	)
	snapshot := &engine.Snapshot{Resources: []engine.ResourceState{{
		Name: "b", Update: &engine.UpdateState{Command: "x"},
		Spec: &model.Resource{
			Position: model.Position{File: "/repo/app/Tiltfile", Line: 7},
			Update:   &model.Command{Argv: []string{"x"}, Dir: "/repo/app"},
		},
	}}}
	r := reportOf(s, 1, func(in *Input) {
		in.Snapshot, in.Log = snapshot, log{"b": {"first", "", "\x1b[31mlast\x1b[0m"}}
	})
	want := `
TARGET     TYPE     STATE           TIME   DETAIL
a:update   job      succeeded       1.2s
b:update   job      failed          2s     exit code 3
c:serve    server   ready           2ms
d:serve    server   not ready       5s
e:update   job      waiting                held back by b:update
f:update   job      waiting                held back by b:update
g:update   job      disabled
h:update   job      not requested
i:update   job      failed          1s     timed out after 1s, retried 2 times
k:serve    server   ready           0s     restarted 3 times

1) i:update failed after 1s: timed out after 1s, retried 2 times

2) b:update failed after 2s: exit code 3
   command: x
   directory: /repo/app
   defined at: app/Tiltfile:7
   | first
   | last
   held back: e:update, f:update

Report: r.xml
FAILED in 5s: 2 of 10 (i:update, b:update). Exit code 1.
`
	if diff := cmp.Diff(want, textOf(t, r, "r.xml")); diff != "" {
		t.Error(diff)
	}
}

// TestTextOfAScript checks that a script is shown by its first lines.
func TestTextOfAScript(t *testing.T) {
	for lines, want := range map[int]string{
		1: "command: echo 0", 2: "command: echo 0|    echo 1", 7: "command: echo 0|    echo 1|    echo 2|    echo 3|    echo 4|  … and 2 more",
	} {
		var argument strings.Builder
		for i := range lines {
			fmt.Fprintf(&argument, "\n  echo %d", i)
		}
		command := model.Command{Argv: []string{"sh", "-c", argument.String()}}
		r := &Report{}
		details := r.details(&Target{Error: "broken", Command: script(command.String())})
		if got := strings.Join(details, "|"); got != want {
			t.Errorf("%d lines: got %q, want %q", lines, got, want)
		}
	}
}

// TestTextOfManyTargets checks that of many targets those are listed that a person has to look at.
// A run whose targets are all fine has no table that is empty, and a brief report begins with its first words.
func TestTextOfManyFineTargets(t *testing.T) {
	var targets []v1alpha1.Target
	for i := range 50 {
		targets = append(targets, succeeded(fmt.Sprintf("t%03d:update", i), 0))
	}
	r := reportOf(ended(session.Succeeded, "", targets...), 0)
	verdict := "SUCCESS. All workloads are healthy. It took 5s.\n"
	if got, want := textOf(t, r), "\nAll 50 targets are ready, succeeded or not requested.\n\n"+verdict; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var b strings.Builder
	if err := Brief(&b, r, nil); err != nil || b.String() != verdict {
		t.Errorf("got %q, %v, want %q", b.String(), err, verdict)
	}
}

func TestTextOfManyTargets(t *testing.T) {
	code := int32(1)
	var targets []v1alpha1.Target
	for i := range 200 {
		targets = append(targets, succeeded(fmt.Sprintf("t%03d:update", i), 0))
	}
	targets[77] = failed("t077:update", 0, "broken", &code, "")
	targets[99] = succeeded("t099:update", 4*time.Second)
	lines := strings.Split(textOf(t, reportOf(ended(session.TargetFailed, "broken", targets...), 1)), "\n")
	if !strings.HasPrefix(lines[2], "t077:update") || !strings.HasPrefix(lines[3], "t099:update") || !strings.HasPrefix(lines[4], "and 198 more") {
		t.Errorf("got\n%s", strings.Join(lines, "\n"))
	}
}

// TestTextOfManyFailures checks that the output of the first failures is shown, and a line of all.
func TestTextOfManyFailures(t *testing.T) {
	code := int32(1)
	var targets []v1alpha1.Target
	output := log{}
	for i := range 30 {
		name := fmt.Sprintf("t%03d", i)
		targets = append(targets, failed(name+":update", time.Second, "broken", &code, ""))
		for range 30 {
			output[name] = append(output[name], "output")
		}
	}
	got := textOf(t, reportOf(ended(session.TargetFailed, "broken", targets...), 1, func(in *Input) { in.Log = output }))
	if n := strings.Count(got, "| output"); n != maxExplained*tailLines {
		t.Errorf("%d lines of output, want %d", n, maxExplained*tailLines)
	}
	if !strings.Contains(got, "30) t029:update failed after 1s: exit code 1\n") {
		t.Error(got)
	}
}

// TestTextOfATimeout checks that a timeout is explained by what wasn't finished.
func TestTextOfATimeout(t *testing.T) {
	s := ended(session.Timeout, "Timeout after 1s: 4 resources not ready",
		active("srv:serve", -1), active("ok:serve", 0), waiting("later:update", "waiting-for-dep"),
		target("pod:runtime", v1alpha1.TargetTypeServer, v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{WaitReason: "Unschedulable"}}),
		restarted(2, waiting("again:serve", "restarting")))
	got := textOf(t, reportOf(s, 3, func(in *Input) { in.Log = log{"srv": {"", "Readiness probe failed: exit status 1"}} }))
	_, got, _ = strings.Cut(got, "\n\n")
	want := `1) srv:serve unfinished after 5s: not ready
   | Readiness probe failed: exit status 1

2) pod:runtime unfinished: waiting (Unschedulable)

3) again:serve unfinished: waiting (restarting)

FAILED in 5s: Timeout after 1s: 4 resources not ready; 3 of 5 unfinished (srv:serve, pod:runtime, again:serve). Exit code 3.
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestTextOfATiltfileError checks that the verdict is all there is: the command prints the error.
func TestTextOfATiltfileError(t *testing.T) {
	const text = "Traceback (most recent call last):\n  /repo/app/Tiltfile:3:5: in <toplevel>\nError: no"
	tiltfile := target("tiltfile:update", v1alpha1.TargetTypeJob, v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{StartTime: at(0), FinishTime: at(0), Error: text}})
	tiltfile.Resources = []string{model.TiltfileResource}
	r := reportOf(ended(session.TiltfileFailed, text, tiltfile), 2)
	if got, want := textOf(t, r), "\nFAILED in 5s: Error: no. Exit code 2.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := r.Targets[0].Position, (model.Position{File: "/repo/app/Tiltfile", Line: 3}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestTextOfALongSuccess checks the longest chain, which a short run doesn't have.
func TestTextOfALongSuccess(t *testing.T) {
	r := reportOf(ended(session.Succeeded, "", succeeded("a:update", 9*time.Second)), 0)
	r.Chain = []Link{{"a:update", epoch, epoch.Add(9 * time.Second)}}
	if got := textOf(t, r); strings.Contains(got, "chain") || !strings.HasSuffix(got, "\nSUCCESS. All workloads are healthy. It took 5s.\n") {
		t.Error(got)
	}
	r.End = epoch.Add(52 * time.Second)
	if got := textOf(t, r); !strings.Contains(got, "\nlongest chain 9s of 52s: a:update 9s\n") {
		t.Error(got)
	}
}

type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestAFullDiskIsReported(t *testing.T) {
	if err := Text(full{}, reportOf(ended(session.Succeeded, ""), 0), nil); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}
