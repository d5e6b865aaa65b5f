// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/component-base/metrics/testutil"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

func TestDoneIsDeliveredOnceAndIsTheEnd(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	seen := s.create(newSession("Tiltfile", v1alpha1.ExitConditionCI))
	a := s.actor("Tiltfile")
	a.load(&model.CISettings{}, job("a", running), job("b", running))
	a.update(0, failed)
	a.update(1, failed)

	final := seen.awaitDone()
	if got := session.VerdictOf(final.Status); got != session.TargetFailed || final.Status.Error != "it failed" {
		t.Errorf("verdict %q: %s", got, final.Status.Error)
	}
	if told := s.awaitDone(); told.ResourceVersion != final.ResourceVersion {
		t.Errorf("Done was told of version %s, the verdict is of %s", told.ResourceVersion, final.ResourceVersion)
	}
	written := s.statusWrites.Load()
	a.update(0, running)
	a.load(nil)
	s.patch("Tiltfile", `{"metadata":{"labels":{"a":"b"}},"spec":{"exitCondition":"manual"}}`)
	s.reconciled()
	if n := s.statusWrites.Load() - written; n != 0 {
		t.Errorf("%d status writes after the verdict", n)
	}
	if n := len(s.done); n != 0 {
		t.Errorf("Done was called %d more times", n)
	}
}

// reconciled waits until the Controller has taken up all that has happened.
func (s *stage) reconciled() {
	s.t.Helper()
	stored, err := s.client.List(s.t.Context(), metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, func() bool {
		known := 0
		for _, session := range stored.Items {
			if seen, err := s.controller.sessions.Get(session.Name); err == nil && !newer(&session, seen) {
				known++
			}
		}
		return known == len(stored.Items) && s.controller.queue.Len() == 0
	})
}

func TestDeletedSession(t *testing.T) {
	t.Run("comes back with the next evaluation", func(t *testing.T) {
		s := newStage(t, "Tiltfile")
		s.begin()
		seen := s.create(newSession("Tiltfile", v1alpha1.ExitConditionManual))
		a := s.actor("Tiltfile")
		a.load(&model.CISettings{}, job("a", running))
		first := seen.awaitTargets(2)
		s.delete("Tiltfile")
		seen.awaitDeleted()

		a.update(0, succeeded)
		a.update(0, failed)
		a.load(&model.CISettings{}, job("a", running), job("b", running))
		second := seen.awaitTargets(3)
		if second.UID == first.UID || second.Spec.TiltfilePath != first.Spec.TiltfilePath ||
			second.Annotations["tilt.dev/resource"] != "(Tiltfile)" {
			t.Errorf("it came back as %+v", second)
		}
	})
	t.Run("comes back with the verdict", func(t *testing.T) {
		s := newStage(t, "Tiltfile")
		s.begin()
		seen := s.create(newSession("Tiltfile", v1alpha1.ExitConditionCI))
		a := s.actor("Tiltfile")
		a.load(&model.CISettings{}, job("a", running))
		seen.awaitTargets(2)
		s.delete("Tiltfile")
		seen.awaitDeleted()
		a.update(0, succeeded)
		if got := session.VerdictOf(s.awaitDone().Status); got != session.Succeeded {
			t.Errorf("verdict %q", got)
		}
		seen.awaitDone()
	})
	t.Run("comes back with the verdict of a timer", func(t *testing.T) {
		s := newStage(t, "Tiltfile")
		s.begin()
		seen := s.create(newSession("Tiltfile", v1alpha1.ExitConditionCI))
		s.actor("Tiltfile").load(&model.CISettings{Timeout: ptr(time.Minute)}, job("a", running))
		seen.awaitTargets(2)
		s.delete("Tiltfile")
		seen.awaitDeleted()
		s.passTime(time.Second, func() bool { return len(s.done) == 1 })
		if got := session.VerdictOf(s.awaitDone().Status); got != session.Timeout {
			t.Errorf("verdict %q", got)
		}
	})
	t.Run("settles while it's away", func(t *testing.T) {
		s := newStage(t, "Tiltfile")
		s.begin()
		seen := s.create(newSession("Tiltfile", v1alpha1.ExitConditionCI))
		a := s.actor("Tiltfile")
		a.load(&model.CISettings{Settle: ptr(time.Minute), Timeout: ptr(10 * time.Minute)}, job("a", running))
		seen.awaitTargets(2)
		s.delete("Tiltfile")
		seen.awaitDeleted()
		a.update(0, succeeded)
		s.passTime(10*time.Second, func() bool { return len(s.done) == 1 })
		if got := session.VerdictOf(s.awaitDone().Status); got != session.Succeeded {
			t.Errorf("verdict %q", got)
		}
	})
	t.Run("may be created by somebody else", func(t *testing.T) {
		s := newStage(t, "Tiltfile")
		s.begin()
		seen := s.create(newSession("Tiltfile", v1alpha1.ExitConditionManual))
		s.actor("Tiltfile").load(&model.CISettings{}, job("a", succeeded))
		seen.awaitTargets(2)
		s.delete("Tiltfile")
		again := s.create(newSession("Tiltfile", v1alpha1.ExitConditionCI))
		if got := session.VerdictOf(again.awaitDone().Status); got != session.Succeeded {
			t.Errorf("verdict %q", got)
		}
	})
	t.Run("after the verdict stays away", func(t *testing.T) {
		s := newStage(t, "Tiltfile")
		s.begin()
		seen := s.create(newSession("Tiltfile", v1alpha1.ExitConditionCI))
		a := s.actor("Tiltfile")
		a.load(&model.CISettings{}, job("a", succeeded))
		s.awaitDone()
		s.delete("Tiltfile")
		seen.awaitDeleted()
		a.load(&model.CISettings{}, job("a", running))
		s.reconciled()
		if _, err := s.client.Get(t.Context(), "Tiltfile", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("it's back: %v", err)
		}
	})
}

func (s *stage) delete(name string) {
	s.t.Helper()
	if err := s.client.Delete(s.t.Context(), name, metav1.DeleteOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

func TestOtherSessionsAreLeftAlone(t *testing.T) {
	s := newStage(t, "one", "two")
	ended := newSession("ended", v1alpha1.ExitConditionCI)
	s.create(ended)
	s.actors["ended"] = make(chan *actor, 1)
	s.patch("ended", `{"status":{"done":true,"targets":[]}}`, "status")
	s.begin()

	other := s.create(newSession("other", v1alpha1.ExitConditionCI))
	one := s.create(newSession("one", v1alpha1.ExitConditionCI))
	two := s.create(newSession("two", v1alpha1.ExitConditionCI))
	s.actor("one").load(&model.CISettings{}, job("a", succeeded))
	s.actor("two").load(&model.CISettings{}, job("b", failed))
	if got := session.VerdictOf(one.awaitDone().Status); got != session.Succeeded {
		t.Errorf("one: verdict %q", got)
	}
	if got := session.VerdictOf(two.awaitDone().Status); got != session.TargetFailed {
		t.Errorf("two: verdict %q", got)
	}
	s.patch("other", `{"metadata":{"labels":{"last":"one"}}}`)
	got := other.await("the label", func(_ watch.EventType, session *v1alpha1.Session) bool { return session.Labels["last"] == "one" })
	if len(other.seen) != 1 || len(got.Status.Targets) != 0 || got.Spec.CI != nil {
		t.Errorf("another Session was written: %+v", other.seen)
	}
	if len(s.actors["ended"]) != 0 {
		t.Error("a Session that was done is run again")
	}
}

func TestRunThatEndsTooEarly(t *testing.T) {
	for want, result := range map[string]error{
		`running Session "Tiltfile": out of luck`:        errors.New("out of luck"),
		`running Session "Tiltfile": it ended by itself`: nil,
	} {
		s := newStage(t, "Tiltfile")
		s.begin()
		s.create(newSession("Tiltfile", v1alpha1.ExitConditionManual))
		s.actor("Tiltfile").result <- result
		select {
		case err := <-s.ended:
			close(s.ended)
			if err == nil || err.Error() != want {
				t.Errorf("Run returned %v, want %s", err, want)
			}
		case <-time.After(patience):
			t.Fatal("Run doesn't return")
		}
	}
}

func TestTeardownErrorIsReturned(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	s.create(newSession("Tiltfile", v1alpha1.ExitConditionManual))
	a := s.actor("Tiltfile")
	a.teardown = errors.New("a process is left")
	if err := s.end(); !errors.Is(err, a.teardown) {
		t.Errorf("Run returned %v", err)
	}
}

func TestReadiness(t *testing.T) {
	s := newStage(t)
	idle, err := New(s.config)
	if err != nil {
		t.Fatal(err)
	}
	if idle.InformersSynced(t.Context()) == nil || idle.Working(t.Context()) == nil {
		t.Error("ready before Run")
	}
	s.begin()
	eventually(t, func() bool {
		return s.controller.InformersSynced(t.Context()) == nil && s.controller.Working(t.Context()) == nil
	})
	if err := s.end(); err != nil {
		t.Error(err)
	}
	if s.controller.InformersSynced(t.Context()) == nil || s.controller.Working(t.Context()) == nil {
		t.Error("ready after Run")
	}
}

func TestMetrics(t *testing.T) {
	s := newStage(t, "counted")
	s.begin()
	before := counter(t)
	seen := s.create(newSession("counted", v1alpha1.ExitConditionCI))
	a := s.actor("counted")
	a.load(&model.CISettings{}, job("a", running), job("b", succeeded), server("s", ready))
	seen.awaitTargets(4)
	for _, tc := range []struct {
		kind, state string
		want        float64
	}{
		{"job", "active", 1}, {"job", "succeeded", 2}, {"job", "failed", 0}, {"server", "ready", 1}, {"server", "active", 0},
	} {
		eventually(t, func() bool {
			got, err := testutil.GetGaugeMetricValue(targetsMetric.WithLabelValues("counted", tc.kind, tc.state))
			return err == nil && got == tc.want
		})
	}
	a.update(0, failed)
	s.awaitDone()
	if got := counter(t) - before; got != 1 {
		t.Errorf("%v failures were counted", got)
	}
	if got, err := testutil.GetGaugeMetricValue(doneMetric); err != nil || got != 1 {
		t.Errorf("%v Sessions are done (%v), want 1", got, err)
	}
	if err := s.end(); err != nil {
		t.Error(err)
	}
	if got, err := testutil.GetGaugeMetricValue(doneMetric); err != nil || got != 0 {
		t.Errorf("%v Sessions are done after the end (%v)", got, err)
	}
}

// counter is how many failures were counted.
func counter(t *testing.T) float64 {
	t.Helper()
	got, err := testutil.GetCounterMetricValue(failuresMetric)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
