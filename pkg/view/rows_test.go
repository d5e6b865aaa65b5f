// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// at is a moment so many seconds after noon.
func at(seconds float64) metav1.MicroTime {
	return metav1.NewMicroTime(noon.Add(time.Duration(seconds * float64(time.Second))))
}

func active() v1alpha1.TargetState {
	return v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: at(1)}}
}

func ready() v1alpha1.TargetState {
	return v1alpha1.TargetState{
		Active: &v1alpha1.TargetStateActive{StartTime: at(1), Ready: true, LastReadyTime: at(2.5)},
	}
}

func ended4(err string) v1alpha1.TargetState {
	return v1alpha1.TargetState{
		Terminated: &v1alpha1.TargetStateTerminated{StartTime: at(0), FinishTime: at(4), Error: err},
	}
}

func waiting(reason string, on ...string) v1alpha1.TargetState {
	since := at(3)
	return v1alpha1.TargetState{
		Waiting: &v1alpha1.TargetStateWaiting{WaitReason: reason, Since: &since, On: on},
	}
}

// target is one of the resources that its name begins with.
func target(name string, state v1alpha1.TargetState) v1alpha1.Target {
	resource := name[:strings.LastIndexByte(name, ':')]
	t := v1alpha1.Target{Name: name, Type: v1alpha1.TargetTypeJob, Resources: []string{resource}, State: state}
	if strings.HasSuffix(name, ":serve") {
		t.Type = v1alpha1.TargetTypeServer
	}
	switch resource {
	case "tiltfile":
		t.Resources = []string{"(Tiltfile)"}
	case "image":
		t.Resources = []string{"web", "api"}
	}
	return t
}

// lines are the rows of targets, 10 seconds after noon.
func lines(targets ...v1alpha1.Target) string {
	s := &v1alpha1.Session{Status: v1alpha1.SessionStatus{Targets: targets}}
	var b strings.Builder
	for _, r := range Rows(s) {
		sign := Style{}.Sign(r.Phase)
		fmt.Fprintf(&b, "%s|%s|%s|%s|%s\n", sign, r.Name, r.State(), Duration(r.Time(noon.Add(10*time.Second))), r.Why())
	}
	return b.String()
}

// TestRow is the row of a resource with a server, a job, or both.
func TestRow(t *testing.T) {
	exit := ended4("Process 7 exited with code 1")
	one := int32(1)
	exit.Terminated.ExitCode = &one
	zero := int32(0)
	early := ended4("Process 7 exited with code 0, but servers are expected to run indefinitely")
	early.Terminated.ExitCode = &zero
	killed := ended4("Process 7 was killed by signal: killed")
	killed.Terminated.Signal = "killed"
	again := target("a:serve", waiting("restarting"))
	again.RestartCount = 3
	flaky := target("a:update", ended4(""))
	flaky.RestartCount = 1
	for _, test := range []struct {
		targets []v1alpha1.Target
		want    string
	}{
		{[]v1alpha1.Target{target("a:update", active())}, "◐|a|running|9s|"},
		{[]v1alpha1.Target{target("a:serve", active())}, "◐|a|not ready|9s|"},
		{[]v1alpha1.Target{target("a:update", ended4(""))}, "✓|a|succeeded|4s|"},
		{[]v1alpha1.Target{target("a:update", ended4("boom\nmore\x1b[31m"))}, "✗|a|failed|4s|boom"},
		{[]v1alpha1.Target{target("a:serve", exit)}, "✗|a|failed|4s|exit code 1"},
		{[]v1alpha1.Target{target("a:serve", killed)}, "✗|a|failed|4s|signal: killed"},
		{[]v1alpha1.Target{target("a:serve", early)},
			"✗|a|failed|4s|Process 7 exited with code 0, but servers are expected to run indefinitely"},
		{[]v1alpha1.Target{target("a:serve", ready())}, "●|a|ready|1.5s|"},
		{[]v1alpha1.Target{target("a:update", v1alpha1.TargetState{})}, "–|a|not requested||"},
		{[]v1alpha1.Target{target("a:update", v1alpha1.TargetState{Disabled: &v1alpha1.TargetStateDisabled{}})},
			"⊘|a|disabled||"},
		{[]v1alpha1.Target{target("a:update", waiting("pending-trigger"))}, "…|a|waiting|7s|for a trigger"},
		{[]v1alpha1.Target{target("a:runtime", waiting("ImagePullBackOff"))}, "…|a|waiting|7s|ImagePullBackOff"},
		{[]v1alpha1.Target{again}, "…|a|waiting|7s|for its restart, restarted 3 times"},
		{[]v1alpha1.Target{flaky}, "✓|a|succeeded|4s|retried once"},
		// Both.
		{[]v1alpha1.Target{target("a:serve", ready()), target("a:update", ended4(""))}, "●|a|ready|1.5s|"},
		{[]v1alpha1.Target{target("a:serve", ready()), target("a:update", active())}, "◐|a|running|9s|"},
		{[]v1alpha1.Target{target("a:serve", ready()), target("a:update", ended4("boom"))}, "✗|a|failed|4s|boom"},
		{[]v1alpha1.Target{target("a:serve", exit), target("a:update", active())},
			"✗|a|failed|4s|exit code 1"},
		{[]v1alpha1.Target{target("a:serve", waiting("waiting-for-update")), target("a:update", waiting("waiting-for-slot"))},
			"…|a|waiting|7s|for its turn: as many updates run as may run at once"},
		{[]v1alpha1.Target{target("a:serve", waiting("update-failed")), target("a:update", ended4("boom"))},
			"✗|a|failed|4s|boom"},
	} {
		if got := lines(test.targets...); got != test.want+"\n" {
			t.Errorf("%s, want %s", strings.TrimSpace(got), test.want)
		}
	}
}

// TestSays is what a row says with a last line of output.
func TestSays(t *testing.T) {
	failed := ended4(`Command "false" failed: exit status 2`)
	two := int32(2)
	failed.Terminated.ExitCode = &two
	for _, test := range []struct {
		state      v1alpha1.TargetState
		last, want string
	}{
		{ready(), " listen\x1b[mg ", "listeng"},
		{active(), "", ""},
		{failed, "in use", "exit code 2: in use"},
		{failed, "", "exit code 2"},
		{ended4("no such directory"), "in use", "no such directory"},
		{waiting("pending-trigger"), "done", "for a trigger"},
		{v1alpha1.TargetState{}, "old", ""},
		{v1alpha1.TargetState{Disabled: &v1alpha1.TargetStateDisabled{}}, "old", ""},
	} {
		s := &v1alpha1.Session{}
		s.Status.Targets = []v1alpha1.Target{target("a:update", test.state)}
		if got := Rows(s)[0].Says(test.last); got != test.want {
			t.Errorf("%+v, %q: %q, want %q", test.state, test.last, got, test.want)
		}
	}
}

// TestRows is the order of the rows, and what they say of each other.
func TestRows(t *testing.T) {
	got := lines(
		target("a:update", waiting("waiting-for-dep", "b:serve", "c:update", "d:update", "e:update", "gone:update")),
		target("b:serve", active()),
		target("b:update", ended4("")),
		target("c:update", ended4("boom")),
		target("d:update", waiting("waiting-for-dep", "c:update")),
		target("e:update", waiting("building-component", "image:shop/e")),
		target("f:update", waiting("waiting-for-dep")),
		target("image:shop/e", active()),
		target("tiltfile:update", ended4("")),
	)
	if want := `✓|(Tiltfile)|succeeded|4s|
…|a|waiting|7s|← c (failed), b (not ready), d (waiting), 1 more
◐|b|not ready|9s|
✗|c|failed|4s|boom
…|d|waiting|7s|← c (failed)
…|e|waiting|7s|← image:shop/e (running)
…|f|waiting|7s|for what it depends on
◐|image:shop/e|running|9s|
`; got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestSummary(t *testing.T) {
	ci := func(status v1alpha1.SessionStatus) *v1alpha1.Session {
		status.StartTime = at(0)
		return &v1alpha1.Session{
			Spec:   v1alpha1.SessionSpec{TiltfilePath: "/src/demo/Tiltfile", ExitCondition: v1alpha1.ExitConditionCI},
			Status: status,
		}
	}
	up := ci(v1alpha1.SessionStatus{Conditions: []metav1.Condition{{Type: "Ready", Status: "True"}}, Targets: []v1alpha1.Target{
		target("a:serve", ready()), target("b:update", v1alpha1.TargetState{}),
	}})
	up.Spec.ExitCondition = v1alpha1.ExitConditionManual
	for _, test := range []struct {
		session *v1alpha1.Session
		want    string
	}{
		{&v1alpha1.Session{Spec: v1alpha1.SessionSpec{TiltfilePath: "Tiltfile"}}, "ci Tiltfile  pending  0/0 ready  0s"},
		{ci(v1alpha1.SessionStatus{}), "ci demo/Tiltfile  running  0/0 ready  1m10s"},
		{up, "up demo/Tiltfile  ready  1/1 ready  1m10s"},
		{ci(v1alpha1.SessionStatus{Targets: []v1alpha1.Target{
			target("a:serve", active()), target("b:update", ended4("")), target("c:update", ended4("boom")),
			target("d:update", waiting("waiting-for-dep", "c:update")),
		}}), "ci demo/Tiltfile  failed  1/4 ready  1 failed  1 running  1 waiting  1m10s"},
		{ci(v1alpha1.SessionStatus{Done: true, Conditions: []metav1.Condition{
			{Type: "Succeeded", Status: "True", LastTransitionTime: metav1.NewTime(noon.Add(5 * time.Second))},
		}}), "ci demo/Tiltfile  succeeded  0/0 ready  5s"},
		{ci(v1alpha1.SessionStatus{Done: true, Error: "took too long", Conditions: []metav1.Condition{
			{Type: "Failed", Status: "True", Reason: "Timeout", LastTransitionTime: metav1.NewTime(noon.Add(5 * time.Second))},
			{Type: "Truncated", Status: "True"},
		}}), "ci demo/Tiltfile  failed  0/0+ ready  5s"},
	} {
		if got := Summarize(test.session, noon.Add(70*time.Second)).String(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

func TestStyle(t *testing.T) {
	for want, got := range map[string]string{
		"✗":                Style{}.Sign(session.PhaseFailed),
		"XX":               Style{ASCII: true}.Sign(session.PhaseFailed),
		"\x1b[31m✗\x1b[0m": Style{Colour: Colour16}.Sign(session.PhaseFailed),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What the end of a Session has cut off is stopped, and its time doesn't go on.
func TestRowsOfTheEnd(t *testing.T) {
	start := metav1.NewMicroTime(time.Unix(1000, 0))
	s := &v1alpha1.Session{Status: v1alpha1.SessionStatus{
		Done: true, StartTime: start,
		Conditions: []metav1.Condition{{Type: v1alpha1.SessionConditionFailed, Status: "True", LastTransitionTime: metav1.Unix(1003, 0)}},
		Targets: []v1alpha1.Target{{
			Name: "a:update", Type: v1alpha1.TargetTypeJob, Resources: []string{"a"},
			State: v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: start}},
		}},
	}}
	now := time.Unix(2000, 0)
	row, sum := Rows(s)[0], Summarize(s, now)
	if row.State() != "stopped" || row.Time(now) != 3*time.Second || sum.Active != 0 || sum.Took != 3*time.Second {
		t.Errorf("got %s %s, %+v", row.State(), row.Time(now), sum)
	}
}
