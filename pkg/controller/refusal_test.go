// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
	testserver "tilt.dev/session/pkg/testing/server"
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

func TestACISessionThatCannotBeRunFails(t *testing.T) {
	for name, tc := range map[string]struct{ path, want string }{
		"relative path": {"here/Tiltfile", relativePath},
	} {
		t.Run(name, func(t *testing.T) {
			s := newDurable(t, "one")
			told := make(chan *v1alpha1.Session, 10)
			s.config.NotRun = func(s *v1alpha1.Session) { told <- s }
			s.begin()
			created := newSession("one", v1alpha1.ExitConditionCI)
			created.Spec.TiltfilePath = tc.path
			seen := s.create(created)
			final := seen.awaitDone()
			if got := final.Status; session.VerdictOf(got) != session.TiltfileFailed || !strings.HasPrefix(got.Error, tc.want) {
				t.Errorf("verdict %q: %s", session.VerdictOf(got), got.Error)
			}
			if session.Begun(&final.Status) || held(final) || len(s.actors["one"]) != 0 {
				t.Errorf("it's run: %+v", final)
			}
			s.reconciled()
			if refused := <-told; !refused.Status.Done || refused.Name != "one" || len(told) > 0 {
				t.Errorf("%d more were told of than %+v", len(told), refused)
			}
		})
	}
}

func TestAManualSessionThatCannotBeRunWaits(t *testing.T) {
	s := newDurable(t, "one")
	s.config.MaxRunning = 1
	s.begin()
	created := newSession("one", v1alpha1.ExitConditionManual)
	created.Spec.TiltfilePath = "here/Tiltfile"
	seen := s.create(created)
	refused := seen.awaitTiltfileError(relativePath)
	if refused.Status.Done {
		t.Fatal("a manual Session is done")
	}
	s.clock.Step(time.Minute)
	s.patch("one", `{"metadata":{"labels":{"a":"b"}}}`)
	s.reconciled()
	if n := s.statusWrites.Load(); n != 1 {
		t.Errorf("%d status writes, want 1", n)
	}
	s.patch("one", `{"spec":{"tiltfilePath":"/p/Tiltfile","args":["a b"]}}`)
	a := s.actor("one")
	if got := a.session.Spec.Args; !slices.Equal(got, []string{"a b"}) {
		t.Errorf("it's run with %q", got)
	}
	a.load(&model.CISettings{}, job("a", running))
	seen.awaitTargets(2)
}

func TestArgumentsAreFollowed(t *testing.T) {
	s := newDurable(t, "one")
	s.begin()
	created := newSession("one", v1alpha1.ExitConditionManual)
	created.Spec.Args = []string{"web"}
	seen := s.create(created)
	a := s.actor("one")
	a.load(&model.CISettings{}, job("a", running))
	seen.awaitTargets(2)
	for value, want := range map[string][]string{`["web","worker"]`: {"web", "worker"}, `null`: {}} {
		s.patch("one", `{"spec":{"args":`+value+`}}`)
		if got := <-a.args; !slices.Equal(got, want) {
			t.Errorf("the run is told of %q, want %q", got, want)
		}
	}
}

// What's posted to a run is what it's run with the next time, too.
func TestPostedArgumentsAreKept(t *testing.T) {
	runs := NewRunning()
	s := newDurableAt(t, testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) { o.Runs = runs }}), "one")
	s.config.Running = runs
	s.begin()
	seen := s.create(newSession("one", v1alpha1.ExitConditionManual))
	a := s.actor("one")
	a.load(&model.CISettings{}, job("a", running))
	seen.awaitTargets(2)
	// The first status is stored before the run can be asked for anything.
	eventually(t, func() bool { _, found := runs.Run("one"); return found })
	post := func(dryRun ...string) {
		t.Helper()
		answer, err := s.client.SetArgs(t.Context(), "one", &v1alpha1.SessionArgs{
			Spec: v1alpha1.SessionArgsSpec{Args: []string{"web", "a b"}},
		}, metav1.CreateOptions{DryRun: dryRun})
		if err != nil || !answer.Status.Changed {
			t.Fatalf("the answer is %+v (%v)", answer, err)
		}
	}
	post(metav1.DryRunAll)
	if got := s.get("one").Spec.Args; len(got) != 0 || len(a.args) != 0 {
		t.Errorf("a dry run has left %q", got)
	}
	post()
	if got := <-a.args; !slices.Equal(got, []string{"web", "a b"}) {
		t.Errorf("the run is told of %q", got)
	}
	s.patch("one", `{"spec":{"args":["worker"]}}`)
	if got := <-a.args; !slices.Equal(got, []string{"worker"}) {
		t.Errorf("the run is told of %q", got)
	}
}
