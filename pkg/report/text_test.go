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
	"tilt.dev/session/pkg/logs"
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

func TestTargetsSaysWhatEachTargetDoes(t *testing.T) {
	code := int32(3)
	s := sessionOf(
		target("a:update", v1alpha1.TargetTypeJob, v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{StartTime: at(0), FinishTime: at(1234 * time.Millisecond)}}),
		failed("b:update", 90*time.Second, "Command \"x\" failed:\nsecond line", &code, ""),
		target("c:serve", v1alpha1.TargetTypeServer, v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: at(0), Ready: true, LastReadyTime: at(2 * time.Millisecond)}}),
		target("d:serve", v1alpha1.TargetTypeServer, v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: at(0)}}),
		target("e:update", v1alpha1.TargetTypeJob, v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: at(0)}}),
		target("f:update", v1alpha1.TargetTypeJob, v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{WaitReason: "waiting-for-dep"}}),
		target("g:update", v1alpha1.TargetTypeJob, v1alpha1.TargetState{Disabled: &v1alpha1.TargetStateDisabled{}}),
		target("h:update", v1alpha1.TargetTypeJob, v1alpha1.TargetState{}),
		restarted(1, failed("i:update", time.Second, "broken", &code, "")),
		restarted(2, target("j:serve", v1alpha1.TargetTypeServer, v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{WaitReason: "restarting"}})),
		restarted(3, target("k:serve", v1alpha1.TargetTypeServer, v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: at(0), Ready: true, LastReadyTime: at(0)}})),
	)
	want := `
TARGET     TYPE     STATE           TIME    DETAIL
a:update   job      succeeded       1.23s   
b:update   job      failed          1m30s   Command "x" failed:
c:serve    server   ready           2ms     
d:serve    server   not ready       5s      
e:update   job      running         5s      
f:update   job      waiting                 waiting-for-dep
g:update   job      disabled                
h:update   job      not requested           
i:update   job      failed          1s      broken, retried once
j:serve    server   waiting                 restarting, restarted 2 times
k:serve    server   ready           0s      restarted 3 times
`
	var got strings.Builder
	if err := Targets(&got, s, epoch.Add(5*time.Second)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want[1:], got.String()); diff != "" {
		t.Error(diff)
	}
}

// Of very many targets only those are listed that a person has to look at.
func TestTargetsOfALargeSession(t *testing.T) {
	var targets []v1alpha1.Target
	for i := range 200 {
		targets = append(targets, target(fmt.Sprintf("t%03d:update", i), v1alpha1.TargetTypeJob,
			v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{StartTime: at(0), FinishTime: at(0)}}))
	}
	targets[77].State.Terminated.Error = "broken"
	var got strings.Builder
	if err := Targets(&got, sessionOf(targets...), epoch); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(got.String()), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[1], "t077:update") || !strings.HasPrefix(lines[2], "and 199 more") {
		t.Errorf("got\n%s", got.String())
	}
}

func TestFailuresAreInTheOrderOfTime(t *testing.T) {
	code := int32(3)
	s := sessionOf(
		failed("a:update", 2*time.Second, "second", &code, ""),
		failed("z:update", time.Second, "first", nil, "killed"),
		restarted(2, failed("c:update", time.Minute, "third", &code, "")),
		restarted(1, failed("d:update", time.Hour, "last", nil, "")),
	)
	tail := func(resource string, n int) []logs.Line {
		return []logs.Line{{Text: fmt.Sprintf("last %d lines of %s", n, resource)}}
	}
	want := `
FAILED z:update (signal: killed): first
  | last 5 lines of z

FAILED a:update (exit code 3): second
  | last 5 lines of a

FAILED c:update (exit code 3, retried 2 times): third
  | last 5 lines of c

FAILED d:update (retried once): last
  | last 5 lines of d
`
	var got strings.Builder
	if err := Failures(&got, s, tail, 5); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

// A timeout is explained by what wasn't finished.
func TestFailuresOfATimeout(t *testing.T) {
	again := target("again:serve", v1alpha1.TargetTypeServer, v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{WaitReason: "restarting"}})
	again.RestartCount = 2
	s := sessionOf(
		target("srv:serve", v1alpha1.TargetTypeServer, v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: at(0)}}),
		target("ok:serve", v1alpha1.TargetTypeServer, v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: at(0), Ready: true}}),
		target("later:update", v1alpha1.TargetTypeJob, v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{WaitReason: "waiting-for-dep"}}),
		target("pod:runtime", v1alpha1.TargetTypeServer, v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{WaitReason: "Unschedulable"}}),
		again,
	)
	s.Status.Done, s.Status.Error = true, "Timeout after 1s"
	s.Status.Conditions = []metav1.Condition{{Type: v1alpha1.SessionConditionFailed, Status: metav1.ConditionTrue, Reason: "Timeout"}}
	tail := func(resource string, n int) []logs.Line {
		return []logs.Line{{Text: ""}, {Text: "Readiness probe failed: exit status 1"}}
	}
	want := `
UNFINISHED srv:serve (not ready)
  | Readiness probe failed: exit status 1

UNFINISHED pod:runtime (Unschedulable)
  | Readiness probe failed: exit status 1

UNFINISHED again:serve (restarting)
  | Readiness probe failed: exit status 1
`
	var got strings.Builder
	if err := Failures(&got, s, tail, 5); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

// The report of a Session that kept going has all of its unfinished targets.
func TestFailuresOfASessionThatKeptGoing(t *testing.T) {
	code := int32(1)
	s := sessionOf(
		failed("b:update", 2*time.Second, "second", &code, ""),
		failed("a:update", time.Second, "first", &code, ""),
		target("dep:update", v1alpha1.TargetTypeJob, v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{WaitReason: "waiting-for-dep"}}),
		target("late:serve", v1alpha1.TargetTypeServer, v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: at(0)}}),
	)
	s.Spec.KeepGoing = true
	s.Status.Done, s.Status.Error = true, "first"
	var got strings.Builder
	if err := Failures(&got, s, func(string, int) []logs.Line { return nil }, 5); err != nil {
		t.Fatal(err)
	}
	want := `
FAILED a:update (exit code 1): first

FAILED b:update (exit code 1): second

UNFINISHED late:serve (not ready)
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("ä", 1000)
	for line, want := range map[string]string{
		"plain":                       "plain",
		"  \t":                        "",
		"\x1b[31mred\x1b[0m\x00 text": "red text",
		"bad \xff utf-8":              "bad  utf-8",
		"tab\tkept":                   "tab\tkept",
		long:                          long[:2*maxExcerpt-2] + "…",
		strings.Repeat("x", 64<<10):   strings.Repeat("x", maxExcerpt-1) + "…",
	} {
		if got := excerpt(line); got != want {
			t.Errorf("%.20q: got %.400q, want %.400q", line, got, want)
		}
	}
}

type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestAFullDiskIsReported(t *testing.T) {
	code := int32(1)
	s := sessionOf(failed("a:update", 0, "broken", &code, ""))
	none := func(string, int) []logs.Line { return nil }
	if err := Targets(full{}, s, epoch); !errors.Is(err, errFull) {
		t.Errorf("Targets: %v", err)
	}
	if err := Failures(full{}, s, none, 1); !errors.Is(err, errFull) {
		t.Errorf("Failures: %v", err)
	}
}
