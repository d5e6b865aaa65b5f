// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/watch"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

// successor is the stage of another process over the same store.
func (s *stage) successor() *stage {
	next := newStageAt(s.t, s.server)
	next.clock.SetTime(s.clock.Now().Add(time.Minute))
	for name := range s.actors {
		next.actors[name] = make(chan *actor, 1)
	}
	return next
}

// kill ends the Controller without a chance to write anything.
func (s *stage) kill() {
	s.t.Helper()
	s.dead.Store(true)
	_ = s.end() // it can't store how its runs end
}

// errDead is what all requests of a Controller that was killed end with.
var errDead = errors.New("killed")

// A second process over the same store starts what can be started twice.
func TestRestartAfterACrash(t *testing.T) {
	s := newStage(t, "ci", "manual", "waits")
	s.config.MaxRunning = 2
	s.begin()
	ci := s.create(newSession("ci", v1alpha1.ExitConditionCI))
	manual := s.create(newSession("manual", v1alpha1.ExitConditionManual))
	for _, name := range []string{"ci", "manual"} {
		s.actor(name).load(&model.CISettings{}, job("a", succeeded), server("s", starting))
	}
	ci.awaitTargets(3)
	before := manual.awaitTargets(3)
	waits := s.create(newSession("waits", v1alpha1.ExitConditionCI))
	waits.awaitWaiting()
	s.kill()

	s = s.successor()
	s.config.MaxRunning = 2
	s.begin()
	got := ci.awaitDone().Status
	if want := "interrupted: process 42 had been running the Session since 2026-03-04T05:06:07Z and ended before there was a verdict"; session.VerdictOf(got) != session.Interrupted || got.Error != want || len(got.Targets) != 3 {
		t.Errorf("verdict %q with %d targets: %s", session.VerdictOf(got), len(got.Targets), got.Error)
	}
	s.awaitStored("ci", released)

	a := s.actor("manual")
	fresh := manual.awaitTargets(1)
	if !fresh.Status.StartTime.After(before.Status.StartTime.Time) || session.PhaseOf(fresh.Status.Targets[0].State) != session.PhaseWaiting {
		t.Errorf("the status of another run is %+v", fresh.Status)
	}
	a.load(&model.CISettings{}, job("a", succeeded), server("s", starting))
	manual.awaitTargets(3)

	s.actor("waits").load(&model.CISettings{}, job("a", succeeded))
	if got := waits.awaitDone().Status; session.VerdictOf(got) != session.Succeeded {
		t.Errorf("what had waited: %q %s", session.VerdictOf(got), got.Error)
	}
	if len(s.actors["ci"]) != 0 {
		t.Error("a ci Session is run twice")
	}
}

// A Session that has the finalizer but hadn't begun, or that was created with the status of another one, starts as any
// other.
func TestRestartBeforeTheBegin(t *testing.T) {
	s := newStage(t, "one")
	s.begin()
	created := newSession("one", v1alpha1.ExitConditionCI)
	created.Finalizers = []string{v1alpha1.Finalizer}
	created.Status = v1alpha1.SessionStatus{PID: 7, Done: true}
	seen := s.create(created)
	s.actor("one").load(&model.CISettings{}, job("a", succeeded))
	if got := session.VerdictOf(seen.awaitDone().Status); got != session.Succeeded {
		t.Errorf("verdict %q", got)
	}
}

// What a crash has left behind doesn't keep a Session from being deleted.
func TestDeletionAfterACrash(t *testing.T) {
	s := newStage(t, "one", "two")
	s.begin()
	one := s.create(newSession("one", v1alpha1.ExitConditionManual))
	two := s.create(newSession("two", v1alpha1.ExitConditionCI))
	for name, seen := range map[string]*audience{"one": one, "two": two} {
		s.actor(name).load(&model.CISettings{}, job("a", running))
		seen.awaitTargets(2)
	}
	s.kill()
	s.delete("one")
	next := s.successor()
	next.config.Runs = func(*v1alpha1.Session) bool { return false }
	next.begin()
	one.awaitDeleted()
	s.delete("two")
	two.awaitDeleted()
}

func TestOrderlyEnd(t *testing.T) {
	s := newStage(t, "ci", "manual", "verdict", "done")
	s.begin()
	actors, seen := map[string]*actor{}, map[string]*audience{}
	for _, name := range []string{"ci", "manual", "verdict", "done"} {
		condition := v1alpha1.ExitConditionCI
		if name == "manual" {
			condition = v1alpha1.ExitConditionManual
		}
		seen[name] = s.create(newSession(name, condition))
		actors[name] = s.actor(name)
		actors[name].load(&model.CISettings{}, job("a", running), server("s", ready))
		seen[name].awaitTargets(3)
	}
	lingering := actors["done"]
	lingering.lingers = make(chan struct{})
	lingering.update(0, succeeded)
	seen["done"].awaitDone()
	s.patch("ci", `{"metadata":{"labels":{"changed":"late"}}}`)
	s.setAnswer(failFor(ofStatus, "503"))
	written := s.statusWrites.Load()
	actors["verdict"].update(0, failed)
	eventually(t, func() bool { return s.statusWrites.Load() > written })
	s.setAnswer(nil) // it's tried again when the clock says so: never
	s.stop()
	close(lingering.lingers)
	if err := s.end(); err != nil {
		t.Error(err)
	}

	reported := map[string]session.Verdict{}
	for len(s.finished) > 0 {
		end := s.awaitFinished()
		reported[end.Session.Name] = session.VerdictOf(end.Session.Status)
	}
	if want := (map[string]session.Verdict{"ci": session.Interrupted, "verdict": session.TargetFailed, "done": session.Succeeded}); !maps.Equal(reported, want) {
		t.Errorf("the reported ends are %v, want %v", reported, want)
	}
	for name, want := range map[string]session.Verdict{
		"ci": session.Interrupted, "manual": session.Undecided, "verdict": session.TargetFailed, "done": session.Succeeded,
	} {
		stored := s.get(name)
		if got := session.VerdictOf(stored.Status); got != want || len(stored.Status.Targets) != 3 {
			t.Errorf("%s: verdict %q with %d targets: %s", name, got, len(stored.Status.Targets), stored.Status.Error)
		}
		if held(stored) != (name == "manual") {
			t.Errorf("%s: finalizers %v", name, stored.Finalizers)
		}
	}
	if got := s.get("ci").Status.Error; !strings.HasPrefix(got, "interrupted: ") {
		t.Errorf("error %q", got)
	}
}

// The end of a run is reported with its newest state, whatever the storage does.
func TestOrderlyEndWithoutStorage(t *testing.T) {
	s := newStage(t, "Tiltfile")
	_, a := performCI(s)
	s.setAnswer(failFor(butWatches, "503"))
	a.load(&model.CISettings{}, job("a", running), job("b", running))
	if err := s.end(); err == nil {
		t.Error("nothing says that the end couldn't be stored")
	}
	got := s.awaitFinished()
	if session.VerdictOf(got.Session.Status) != session.Interrupted || len(got.Session.Status.Targets) != 3 || got.Deleted {
		t.Errorf("the reported end is %+v", got)
	}
	if !a.hasEnded() || len(s.finished) != 0 {
		t.Error("the run goes on, or is reported again")
	}
}

// A verdict that couldn't be stored before its Session is deleted is reported all the same.
func TestDeletionAfterTheVerdict(t *testing.T) {
	s := newStage(t, "Tiltfile")
	seen, a := performCI(s)
	s.setAnswer(failFor(ofStatus, "503"))
	written := s.statusWrites.Load()
	a.update(0, failed)
	eventually(t, func() bool { return s.statusWrites.Load() > written })
	s.delete("Tiltfile")
	if got := s.awaitDone(); session.VerdictOf(got) != session.TargetFailed {
		t.Errorf("verdict %q", session.VerdictOf(got))
	}
	s.setAnswer(nil)
	s.passTime(10*time.Millisecond, func() bool { return s.get("Tiltfile") == nil })
	seen.awaitDeleted()
}

// awaitWaiting reads events until the Session waits for others to end.
func (a *audience) awaitWaiting() *v1alpha1.Session {
	a.t.Helper()
	return a.await("waiting", func(_ watch.EventType, s *v1alpha1.Session) bool {
		return len(s.Status.Targets) == 1 && s.Status.Targets[0].State.Waiting != nil &&
			s.Status.Targets[0].State.Waiting.WaitReason == "waiting-for-session-slot"
	})
}
