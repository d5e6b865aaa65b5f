// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"slices"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
	testserver "tilt.dev/session/pkg/testing/server"
)

// newDurable prepares a stage for a Durable Controller that runs Sessions of
// these names.
func newDurable(t testing.TB, sessions ...string) *stage {
	return newDurableAt(t, testserver.Start(t), sessions...)
}

func newDurableAt(t testing.TB, server *testserver.Server, sessions ...string) *stage {
	s := newStageAt(t, server, sessions...)
	s.config.Durable = true
	s.config.Done = nil
	s.config.Running = NewRunning()
	return s
}

// get is the stored Session, nil if there's none.
func (s *stage) get(name string) *v1alpha1.Session {
	s.t.Helper()
	stored, err := s.client.Get(s.t.Context(), name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		s.t.Fatal(err)
	}
	return stored
}

// awaitStored polls the stored Session until it fits.
func (s *stage) awaitStored(name string, fits func(*v1alpha1.Session) bool) *v1alpha1.Session {
	s.t.Helper()
	var stored *v1alpha1.Session
	eventually(s.t, func() bool {
		stored = s.get(name)
		return fits(stored)
	})
	return stored
}

// awaitEnded waits until the Session isn't run any more, and nothing is left to
// be done about it.
func (s *stage) awaitEnded(name string) {
	s.t.Helper()
	eventually(s.t, func() bool { return s.controller.runs.get(name) == nil })
	s.reconciled()
}

func released(s *v1alpha1.Session) bool { return s != nil && !held(s) }

func gone(s *v1alpha1.Session) bool { return s == nil }

func TestDurableRunOfACISession(t *testing.T) {
	s := newDurable(t, "one")
	s.begin()
	created := newSession("one", v1alpha1.ExitConditionCI)
	created.Finalizers = []string{"example.com/mine"}
	seen := s.create(created)
	a := s.actor("one")
	if stored := s.awaitStored("one", func(s *v1alpha1.Session) bool { return session.Begun(&s.Status) }); !held(stored) {
		t.Errorf("finalizers of a Session that's run: %v", stored.Finalizers)
	}
	s.patch("one", `{"metadata":{"labels":{"a":"b"}}}`)
	s.reconciled()
	a.load(&model.CISettings{}, job("a", succeeded), server("s", ready))
	final := seen.awaitDone()
	a.update(0, running) // what happens while it's torn down

	stored := s.awaitStored("one", released)
	if !slices.Equal(stored.Finalizers, []string{"example.com/mine"}) {
		t.Errorf("finalizers at the end: %v", stored.Finalizers)
	}
	s.awaitEnded("one")
	if _, found := s.config.Running.Run("one"); !found {
		t.Error("the log of a Session that's done can't be found")
	}
	if got := stored.Status; session.VerdictOf(got) != session.Succeeded || len(got.Targets) != 3 ||
		got.Targets[1].State.Active == nil || !final.Status.StartTime.Equal(&got.StartTime) {
		t.Errorf("the last status is %+v", got)
	}

	managers := map[string]bool{}
	for _, managed := range stored.ManagedFields {
		managers[managed.Manager+" "+managed.Subresource] = true
	}
	if !managers["somebody "] || !managers[FieldManager+" "] || !managers[FieldManager+" status"] {
		t.Errorf("the managers are %v", managers)
	}

	// Done is final, whatever becomes of the spec.
	s.patch("one", `{"spec":{"exitCondition":"manual","tiltfilePath":"/q/Tiltfile"}}`)
	s.reconciled()
	if len(s.actors["one"]) != 0 || !s.get("one").Status.Done {
		t.Error("a Session that was done is run again")
	}
}

// By the time that a run can do anything, it's known that it has begun.
func TestBeginIsStoredBefore(t *testing.T) {
	s := newDurable(t, "one")
	begun, looked := make(chan struct{}), make(chan struct{})
	prepare := s.config.NewRun
	s.config.NewRun = func(session *v1alpha1.Session, onChange func(*engine.Snapshot)) Run {
		return watchedRun{prepare(session, onChange).(*actor), func() { close(begun); <-looked }}
	}
	s.begin()
	s.create(newSession("one", v1alpha1.ExitConditionManual))
	<-begun
	atStart := s.get("one")
	close(looked)
	if !held(atStart) || !session.Begun(&atStart.Status) || atStart.Status.PID != 42 {
		t.Errorf("when it started it was %+v", atStart)
	}
	for _, managed := range atStart.ManagedFields {
		if managed.Manager == FieldManager && managed.Subresource == "status" {
			return
		}
	}
	t.Errorf("%s isn't among the managers: %v", FieldManager, atStart.ManagedFields)
}

// watchedRun calls begin before the run does anything.
type watchedRun struct {
	*actor
	begin func()
}

func (r watchedRun) Run(ctx context.Context) error {
	r.begin()
	return r.actor.Run(ctx)
}

func TestDeletionWaitsForProcesses(t *testing.T) {
	s := newDurable(t, "one")
	s.begin()
	seen := s.create(newSession("one", v1alpha1.ExitConditionManual))
	a := s.actor("one")
	a.lingers = make(chan struct{})
	a.load(&model.CISettings{}, server("s", ready))
	seen.awaitTargets(2)
	s.delete("one")
	seen.await("the deletion", func(_ watch.EventType, s *v1alpha1.Session) bool {
		ready := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.SessionConditionReady)
		return s.DeletionTimestamp != nil && ready.Status == metav1.ConditionFalse && ready.Reason == "Ending" && len(s.Status.Targets) == 2
	})
	s.reconciled()
	if !held(s.get("one")) {
		t.Error("the deletion doesn't wait")
	}
	close(a.lingers)
	seen.awaitDeleted()
	s.awaitEnded("one")
	if len(s.actors["one"]) != 0 {
		t.Error("it's run again")
	}
}

// A run belongs to a Session, not to a name.
func TestAnotherSessionOfTheSameName(t *testing.T) {
	s := newDurable(t, "one")
	s.begin()
	seen := s.create(newSession("one", v1alpha1.ExitConditionManual))
	a := s.actor("one")
	a.lingers = make(chan struct{})
	a.load(&model.CISettings{}, job("a", running))
	seen.awaitTargets(2)
	s.delete("one")
	s.patch("one", `{"metadata":{"finalizers":null}}`) // by force
	seen.awaitDeleted()

	again := s.create(newSession("one", v1alpha1.ExitConditionCI))
	s.reconciled()
	if len(s.actors["one"]) != 0 {
		t.Fatal("both are run at a time")
	}
	a.load(&model.CISettings{}, job("a", failed), job("b", failed))
	close(a.lingers)
	s.actor("one").load(&model.CISettings{}, job("a", succeeded))
	if got := again.awaitDone().Status; session.VerdictOf(got) != session.Succeeded {
		t.Errorf("verdict %q: %s", session.VerdictOf(got), got.Error)
	}
}

func TestFinalizerComesBack(t *testing.T) {
	s := newDurable(t, "one")
	s.begin()
	seen := s.create(newSession("one", v1alpha1.ExitConditionManual))
	s.actor("one").load(&model.CISettings{}, job("a", running))
	seen.awaitTargets(2)
	s.patch("one", `{"metadata":{"finalizers":null}}`)
	seen.await("no finalizer", func(_ watch.EventType, s *v1alpha1.Session) bool { return !held(s) })
	seen.await("the finalizer", func(_ watch.EventType, s *v1alpha1.Session) bool { return held(s) })
}

func TestSessionsThatAreNotRunHere(t *testing.T) {
	leftover := func(name string) *v1alpha1.Session {
		created := newSession(name, v1alpha1.ExitConditionCI)
		created.Finalizers = []string{v1alpha1.Finalizer}
		return created
	}
	t.Run("are deleted all the same", func(t *testing.T) {
		s := newDurable(t)
		s.begin()
		s.create(leftover("stays"))
		seen := s.create(leftover("goes"))
		s.delete("goes")
		seen.awaitDeleted()
		s.reconciled()
		if stays := s.get("stays"); !held(stays) || stays.Generation != 1 || len(stays.Status.Conditions) != 0 {
			t.Errorf("another Session was written: %+v", stays)
		}
	})
	t.Run("are left alone by who doesn't have the store to itself", func(t *testing.T) {
		s := newStage(t)
		s.begin()
		s.create(leftover("goes"))
		s.delete("goes")
		s.reconciled()
		if !held(s.get("goes")) {
			t.Error("somebody else's finalizer was removed")
		}
		s.patch("goes", `{"metadata":{"finalizers":null}}`)
	})
}

func TestTwoSessionsOfOneTiltfile(t *testing.T) {
	s := newDurable(t, "one", "two")
	s.begin()
	one := s.create(newSession("one", v1alpha1.ExitConditionCI))
	two := s.create(newSession("two", v1alpha1.ExitConditionCI))
	a, b := s.actor("one"), s.actor("two")
	a.load(&model.CISettings{}, job("a", succeeded))
	b.load(&model.CISettings{}, job("a", running))
	if got := session.VerdictOf(one.awaitDone().Status); got != session.Succeeded {
		t.Errorf("one: verdict %q", got)
	}
	s.awaitEnded("one")
	b.update(0, failed)
	if got := session.VerdictOf(two.awaitDone().Status); got != session.TargetFailed {
		t.Errorf("two: verdict %q", got)
	}
	s.awaitEnded("two")
}

// One run that ends badly is the end of its Session alone.
func TestDurableRunThatEndsByItself(t *testing.T) {
	s := newDurable(t, "one", "two")
	s.begin()
	for name, condition := range map[string]v1alpha1.ExitCondition{"one": v1alpha1.ExitConditionCI, "two": v1alpha1.ExitConditionManual} {
		seen := s.create(newSession(name, condition))
		a := s.actor(name)
		a.load(&model.CISettings{}, job("a", running))
		seen.awaitTargets(2)
		a.result <- nil
		got := seen.awaitDone().Status
		if session.VerdictOf(got) != session.Interrupted || got.Error != "the run has failed: it ended by itself" {
			t.Errorf("verdict %q: %s", session.VerdictOf(got), got.Error)
		}
		s.awaitStored(name, released)
		s.awaitEnded(name)
	}
}
