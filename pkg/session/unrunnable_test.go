// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

func TestUnrunnable(t *testing.T) {
	for name, tc := range map[string]struct {
		path, args string
		want       []string
	}{
		"neither":       {"/p/Tiltfile", "web", nil},
		"relative path": {"p/Tiltfile", "", []string{`spec.tiltfilePath: "p/Tiltfile" is relative`}},
		"arguments":     {"/p/Tiltfile", "[", []string{"annotation tilt.dev/args: must be"}},
		"both":          {"p/Tiltfile", "[", []string{"spec.tiltfilePath: ", "annotation tilt.dev/args: "}},
	} {
		s := annotated(v1alpha1.AnnotationArgs, tc.args)
		s.Spec.TiltfilePath = tc.path
		err := Unrunnable(s)
		if (err == nil) != (tc.want == nil) {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v doesn't say %s", name, err, want)
			}
		}
	}
}

func TestRefusal(t *testing.T) {
	wrong := errors.New("it's wrong")
	s := manual()
	s.Status = Refusal(s, wrong, at(0))
	if tiltfile := s.Status.Targets[0].State.Terminated; s.Status.Done || Begun(&s.Status) || tiltfile == nil || tiltfile.Error != wrong.Error() {
		t.Errorf("a manual Session: %+v", s.Status)
	}
	// Nothing is new as long as the same is wrong.
	if again := Refusal(s, wrong, at(time.Hour)); !again.Targets[0].State.Terminated.FinishTime.Equal(&s.Status.Targets[0].State.Terminated.FinishTime) {
		t.Errorf("an hour later: %+v", again.Targets[0].State.Terminated)
	}
	if other := Refusal(s, errors.New("something else"), at(time.Hour)); !other.Targets[0].State.Terminated.FinishTime.Time.Equal(at(time.Hour)) {
		t.Errorf("something else: %+v", other.Targets[0].State.Terminated)
	}
	if got := Refusal(ci(0, 0), wrong, at(0)); VerdictOf(got) != TiltfileFailed || got.Error != wrong.Error() {
		t.Errorf("a ci Session: verdict %q, %s", VerdictOf(got), got.Error)
	}
}

// What goes on while the Tiltfile can't be evaluated stays visible.
func TestRefused(t *testing.T) {
	snap := run(job("j", running(0)))
	snap.Tiltfile.Pending, snap.Tiltfile.Running = true, at(time.Second)
	last := snap.Tiltfile.Last
	status, _ := Status(Refused(snap, errors.New("it's wrong"), at(time.Minute)), manual(), at(time.Minute))
	if len(status.Targets) != 2 || PhaseOf(status.Targets[0].State) != PhaseActive || PhaseOf(status.Targets[1].State) != PhaseFailed {
		t.Errorf("targets are %+v", status.Targets)
	}
	if !snap.Tiltfile.Pending || snap.Tiltfile.Last != last {
		t.Error("the snapshot was changed")
	}
}
