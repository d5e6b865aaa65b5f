// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

var update = flag.Bool("update", false, "write the vectors that the tests of the web page read")

// vectors is a file of Sessions, and of what this package says of them. The page says it in TypeScript, whose tests
// read the same file.
const vectors = "../../hack/web/src/model/testdata/rows.json"

type vectorRow struct {
	Sign  string `json:"sign"`
	Name  string `json:"name"`
	Phase string `json:"phase"`
	State string `json:"state"`
	Time  string `json:"time"`
	Why   string `json:"why"`
	// Chain are the names of the rows of why it waits.
	Chain []string `json:"chain"`
}

type vector struct {
	Session *v1alpha1.Session `json:"session"`
	Now     metav1.MicroTime  `json:"now"`
	Summary string            `json:"summary"`
	Error   string            `json:"error"`
	Rows    []vectorRow       `json:"rows"`
}

func newVector(s *v1alpha1.Session, seconds float64) vector {
	now := at(seconds)
	sum := Summarize(s, now.Time)
	if s.Status.Targets == nil {
		s.Status.Targets = []v1alpha1.Target{}
	}
	v := vector{Session: s, Now: now, Summary: sum.String(), Error: sum.Error, Rows: []vectorRow{}}
	for _, r := range Rows(s) {
		row := vectorRow{
			Sign: Style{}.Sign(r.Phase), Name: r.Name, Phase: r.Phase.String(), State: r.State(),
			Time: Duration(r.Time(now.Time)), Why: r.Why(),
		}
		for _, link := range r.Chain() {
			row.Chain = append(row.Chain, link.Name)
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

// vectorSessions are Sessions in different states, and how many seconds after noon they are looked at.
func vectorSessions() map[float64]*v1alpha1.Session {
	one := int32(1)
	exited, killed := ended4("Process 7 exited with code 1"), ended4("Process 7 was killed by signal: killed")
	exited.Terminated.ExitCode, killed.Terminated.Signal = &one, "killed"
	const trace = "Traceback (most recent call last):\n  /T:1:1: in <toplevel>\nError: \x1b[31mbad\x1b[0m\x07"
	restarted, flaky := target("r:serve", waiting("restarting")), target("s:update", ended4(""))
	restarted.RestartCount, flaky.RestartCount = 3, 1
	all := []v1alpha1.Target{
		target("a:update", waiting("waiting-for-dep", "b:serve", "c:update", "d:update", "e:update", "gone:update")),
		target("b:serve", active()), target("b:update", ended4("")),
		target("c:update", ended4("boom\nmore")), target("d:update", waiting("waiting-for-dep", "c:update")),
		target("e:update", waiting("building-component", "image:shop/e")), target("f:update", waiting("waiting-for-dep")),
		target("g:serve", waiting("waiting-for-update", "g:update")), target("g:update", waiting("waiting-for-slot")),
		target("h:serve", exited), target("i:serve", killed), target("image:shop/e", active()),
		target("j:update", ended4(trace)),
		target("k:serve", ready()), target("l:runtime", waiting("Image\x1b[1mPullBackOff\u202e")),
		target("m:update", v1alpha1.TargetState{}),
		target("n:update", v1alpha1.TargetState{Disabled: &v1alpha1.TargetStateDisabled{}}),
		target("o:update", waiting("toString")), restarted, flaky, target("tiltfile:update", ended4("")),
	}
	for _, reason := range []string{
		"tiltfile-reload", "waiting-for-local", "is-unparallelizable-local", "update-failed", "pending-trigger",
		"waiting-for-deploy", "reconciling", "retrying", "after-failure", v1alpha1.WaitReasonSessionSlot, "starting",
	} {
		all = append(all, target("w-"+reason+":update", waiting(reason)))
	}
	slices.SortFunc(all, func(a, b v1alpha1.Target) int { return strings.Compare(a.Name, b.Name) })
	session := func(done bool, conditions ...metav1.Condition) *v1alpha1.Session {
		s := &v1alpha1.Session{
			Spec:   v1alpha1.SessionSpec{TiltfilePath: "/src/demo/Tiltfile", ExitCondition: v1alpha1.ExitConditionCI},
			Status: v1alpha1.SessionStatus{StartTime: at(0), Targets: all, Done: done, Conditions: conditions},
		}
		for i := range s.Status.Conditions {
			s.Status.Conditions[i].LastTransitionTime = metav1.NewTime(noon.Add(5 * time.Second))
		}
		return s
	}
	failed := session(true, metav1.Condition{Type: "Failed", Status: "True", Reason: "Timeout"},
		metav1.Condition{Type: "Truncated", Status: "True"})
	failed.Status.Error = "took too long\nby far"
	up := session(false, metav1.Condition{Type: "Ready", Status: "True"})
	up.Spec.ExitCondition, up.Status.Targets = v1alpha1.ExitConditionManual, []v1alpha1.Target{
		target("a:serve", ready()), target("b:update", v1alpha1.TargetState{}),
	}
	succeeded := session(true, metav1.Condition{Type: "Succeeded", Status: "True"})
	succeeded.Status.Targets = []v1alpha1.Target{target("a:update", ended4(""))}
	return map[float64]*v1alpha1.Session{
		10: session(false), 70: failed, 3750.123456: up, 80: succeeded,
		1: {Spec: v1alpha1.SessionSpec{TiltfilePath: "/Tiltfile"}},
		2: {Spec: v1alpha1.SessionSpec{TiltfilePath: "/src/x/"}, Status: v1alpha1.SessionStatus{StartTime: at(0)}},
	}
}

// TestVectors fails if the file isn't what this package says. With -update it writes the file.
func TestVectors(t *testing.T) {
	content := struct {
		Durations map[int64]string `json:"durations"`
		Sessions  []vector         `json:"sessions"`
	}{Durations: map[int64]string{}}
	for _, microseconds := range []int64{
		-1, 0, 1, 499, 500, 75_000, 75_499, 75_500, 999_499, 999_500, 1_000_000, 1_049_999, 1_050_000, 3_100_000, 59_949_999,
		59_950_000, 60_000_000, 60_499_999, 60_500_000, 252_000_000, 3_599_500_000, 3_600_000_000, 90_061_000_000,
	} {
		content.Durations[microseconds] = Duration(time.Duration(microseconds) * time.Microsecond)
	}
	sessions := vectorSessions()
	for _, seconds := range []float64{1, 2, 10, 70, 80, 3750.123456} {
		content.Sessions = append(content.Sessions, newVector(sessions[seconds], seconds))
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(content); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(vectors, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(vectors)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stored, b.Bytes()) {
		t.Errorf("%s isn't what is shown: run \"go test ./pkg/view -run TestVectors -update\"", vectors)
	}
}
