// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/watch"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

const relativePath = `spec.tiltfilePath: "here/Tiltfile" is relative`

// awaitTiltfileError reads events until the Tiltfile has failed.
func (a *audience) awaitTiltfileError(begins string) *v1alpha1.Session {
	a.t.Helper()
	return a.await("an error of the Tiltfile", func(_ watch.EventType, s *v1alpha1.Session) bool {
		return slices.ContainsFunc(s.Status.Targets, func(t v1alpha1.Target) bool {
			return t.Name == "tiltfile:update" && t.State.Terminated != nil && strings.HasPrefix(t.State.Terminated.Error, begins)
		})
	})
}

func TestACISessionThatCannotRunFails(t *testing.T) {
	s := newStage(t, "one")
	s.begin()
	created := newSession("one", v1alpha1.ExitConditionCI)
	created.Spec.TiltfilePath = "here/Tiltfile"
	final := s.create(created).awaitDone()
	if got := final.Status; session.VerdictOf(got) != session.TiltfileFailed || !strings.HasPrefix(got.Error, relativePath) {
		t.Errorf("verdict %q: %s", session.VerdictOf(got), got.Error)
	}
	if session.Begun(&final.Status) || held(final) || len(s.actors["one"]) != 0 {
		t.Errorf("it's run: %+v", final)
	}
	s.reconciled()
	if end := s.awaitFinished(); !end.Session.Status.Done || end.Err == nil || len(s.finished) > 0 {
		t.Errorf("%d more were reported than %+v", len(s.finished), end)
	}
}

func TestAManualSessionThatCannotRunWaits(t *testing.T) {
	s := newStage(t, "one")
	s.config.MaxRunning = 1
	s.begin()
	created := newSession("one", v1alpha1.ExitConditionManual)
	created.Spec.TiltfilePath = "here/Tiltfile"
	seen := s.create(created)
	if refused := seen.awaitTiltfileError(relativePath); refused.Status.Done {
		t.Fatal("a manual Session is done")
	}
	if end := s.awaitFinished(); end.Session.Status.Done || end.Err == nil {
		t.Errorf("reported is %+v", end)
	}
	s.clock.Step(time.Minute)
	s.patch("one", `{"metadata":{"labels":{"a":"b"}}}`)
	s.reconciled()
	if n := s.statusWrites.Load(); n != 1 || len(s.finished) != 0 {
		t.Errorf("%d status writes, want 1, and %d more reports", n, len(s.finished))
	}
	s.patch("one", `{"spec":{"tiltfilePath":"/p/Tiltfile"}}`)
	s.actor("one").load(&model.CISettings{}, job("a", running))
	seen.awaitTargets(2)
}

func TestArgumentsAreFollowed(t *testing.T) {
	s := newStage(t, "one")
	s.begin()
	created := newSession("one", v1alpha1.ExitConditionManual)
	created.Spec.Args = []string{"web"}
	seen, a := s.perform(created)
	a.load(&model.CISettings{}, job("a", running))
	seen.awaitTargets(2)
	for _, tc := range []struct {
		value string
		want  []string
	}{{`["web","a b"]`, []string{"web", "a b"}}, {`["web","a b"]`, nil}, {`null`, []string{}}} {
		s.patch("one", `{"spec":{"args":`+tc.value+`}}`)
		s.reconciled()
		if tc.want == nil {
			continue
		}
		if got := <-a.args; !slices.Equal(got, tc.want) {
			t.Errorf("the run got %q, want %q", got, tc.want)
		}
	}
	if n := len(a.args); n != 0 {
		t.Errorf("the run got %d more requests", n)
	}
}

// What cannot run shows, while the run goes on as it was.
func TestARefusedChange(t *testing.T) {
	s := newStage(t, "one")
	s.begin()
	seen, a := s.perform(newSession("one", v1alpha1.ExitConditionManual))
	a.load(&model.CISettings{}, job("a", running))
	seen.awaitTargets(2)
	s.patch("one", `{"spec":{"args":["web"],"tiltfilePath":"here/Tiltfile"}}`)
	refused := seen.awaitTiltfileError(relativePath)
	if len(refused.Status.Targets) != 2 || refused.Status.Done {
		t.Errorf("the status is %+v", refused.Status)
	}
	s.reconciled()
	if len(a.args) != 0 || len(a.tiltfile) != 0 {
		t.Error("the run got the refused change")
	}
	s.patch("one", `{"spec":{"tiltfilePath":"/p/Tiltfile"}}`)
	if got := <-a.args; !slices.Equal(got, []string{"web"}) {
		t.Errorf("the run got %q", got)
	}
	seen.awaitPhase("tiltfile:update", session.PhaseSucceeded)

	// To a ci Session it's a failure as any other.
	s.patch("one", `{"spec":{"tiltfilePath":"here/Tiltfile","exitCondition":"ci"}}`)
	got := seen.awaitDone().Status
	if session.VerdictOf(got) != session.TiltfileFailed || !strings.HasPrefix(got.Error, relativePath) {
		t.Errorf("verdict %q: %s", session.VerdictOf(got), got.Error)
	}
}
