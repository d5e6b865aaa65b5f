// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/component-base/metrics/testutil"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

func TestLifeOfACISession(t *testing.T) {
	s := newStage(t, "one")
	s.begin()
	created := newSession("one", v1alpha1.ExitConditionCI)
	created.Finalizers = []string{"example.com/mine"}
	seen, a := s.perform(created)
	if stored := s.get("one"); !held(stored) || !session.Begun(&stored.Status) {
		t.Errorf("a Session that runs has finalizers %v and status %+v", stored.Finalizers, stored.Status)
	}
	s.patch("one", `{"metadata":{"labels":{"a":"b"}}}`)
	s.reconciled()
	a.load(&model.CISettings{}, job("a", succeeded), server("s", ready))
	final := seen.awaitDone()
	a.update(0, running) // what happens while it's torn down
	if got := s.awaitFinished(); got.Deleted || got.Err != nil || got.Session.UID != final.UID || len(got.Session.Status.Targets) != 3 ||
		session.VerdictOf(got.Session.Status) != session.Succeeded {
		t.Errorf("the reported end is %+v", got)
	}

	stored := s.awaitStored("one", released)
	if !slices.Equal(stored.Finalizers, []string{"example.com/mine"}) {
		t.Errorf("finalizers at the end: %v", stored.Finalizers)
	}
	s.awaitEnded("one")
	if !a.hasEnded() {
		t.Error("the run goes on")
	}
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
	if !managers["another "] || !managers[FieldManager+" status"] {
		t.Errorf("the managers are %v", managers)
	}

	// Done is final, whatever becomes of the spec.
	written := s.statusWrites.Load()
	s.patch("one", `{"spec":{"exitCondition":"manual","tiltfilePath":"/q/Tiltfile"}}`)
	s.reconciled()
	if n := s.statusWrites.Load() - written; n != 0 || len(s.actors["one"]) != 0 || len(s.finished) != 0 || !s.get("one").Status.Done {
		t.Errorf("after its end it's written %d times, run %d times, reported %d times", n, len(s.actors["one"]), len(s.finished))
	}
}

// A verdict is delivered before it's reported and the run ended, which keeps no other Session from anything.
func TestDeliveryIsBeforeTheEnd(t *testing.T) {
	names := []string{"other"}
	for i := range workers {
		names = append(names, string(rune('a'+i)))
	}
	s := newStage(t, names...)
	delivering, deliver := make(chan struct{}, workers), make(chan struct{})
	var once sync.Once
	release := func() { once.Do(func() { close(deliver) }) }
	defer release()
	s.config.Delivered = func(context.Context) {
		delivering <- struct{}{}
		<-deliver
	}
	s.begin()
	var actors []*actor
	for _, name := range names[1:] {
		seen, a := s.perform(newSession(name, v1alpha1.ExitConditionCI))
		a.load(&model.CISettings{}, job("a", succeeded))
		seen.awaitDone()
		<-delivering
		actors = append(actors, a)
	}
	seen, a := s.perform(newSession("other", v1alpha1.ExitConditionManual))
	a.load(&model.CISettings{}, job("a", running))
	seen.awaitTargets(2)
	s.reconciled()
	for _, a := range actors {
		if a.hasEnded() || len(s.finished) != 0 {
			t.Fatal("a run is ended while its verdict is delivered")
		}
	}
	release()
	for range actors {
		s.awaitDone()
	}
	for _, name := range names[1:] {
		s.awaitStored(name, released)
	}
}

// The host decides how a status is stored.
func TestStatusWriter(t *testing.T) {
	s := newStage(t, "Tiltfile")
	w := &writerOfTest{session: s.client}
	s.config.StatusWriter = w
	seen, a := performCI(s)
	a.update(0, succeeded)
	seen.awaitDone()
	s.awaitDone()
	if n := s.statusWrites.Load(); n != 0 || w.written < 3 {
		t.Errorf("%d writes by the client of the Controller, %d by the writer", n, w.written)
	}
}

type writerOfTest struct {
	session interface {
		UpdateStatus(context.Context, *v1alpha1.Session, metav1.UpdateOptions) (*v1alpha1.Session, error)
	}
	written int
}

func (w *writerOfTest) WriteStatus(ctx context.Context, stored *v1alpha1.Session, status v1alpha1.SessionStatus) (*v1alpha1.Session, error) {
	w.written++
	changed := *stored
	changed.Status = status
	return w.session.UpdateStatus(ctx, &changed, metav1.UpdateOptions{})
}

// By the time that a run can do anything, its start is stored.
func TestStartIsStoredBefore(t *testing.T) {
	s := newStage(t, "one")
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

func TestDeletionEndsTheRun(t *testing.T) {
	s := newStage(t, "one")
	s.begin()
	seen, a := s.perform(newSession("one", v1alpha1.ExitConditionCI))
	a.lingers = make(chan struct{})
	a.load(&model.CISettings{}, job("a", running), server("s", ready))
	seen.awaitTargets(3)
	s.delete("one")
	if got := s.awaitFinished(); !got.Deleted || got.Session.Status.Done || len(got.Session.Status.Targets) != 3 {
		t.Errorf("the reported end is %+v", got)
	}
	seen.await("the deletion", func(_ watch.EventType, s *v1alpha1.Session) bool {
		ready := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.SessionConditionReady)
		return s.DeletionTimestamp != nil && ready.Status == metav1.ConditionFalse && ready.Reason == "Ending" && len(s.Status.Targets) == 3
	})
	s.reconciled()
	if !held(s.get("one")) {
		t.Error("the deletion doesn't wait")
	}
	close(a.lingers)
	seen.awaitDeleted()
	s.awaitEnded("one")
	if len(s.actors["one"]) != 0 || len(s.finished) != 0 {
		t.Error("it's run or reported again")
	}
}

// A run belongs to a Session, not to a name.
func TestAnotherSessionOfTheSameName(t *testing.T) {
	s := newStage(t, "one")
	s.begin()
	seen, a := s.perform(newSession("one", v1alpha1.ExitConditionManual))
	a.lingers = make(chan struct{})
	a.load(&model.CISettings{}, job("a", running))
	seen.awaitTargets(2)
	s.delete("one")
	s.patch("one", `{"metadata":{"finalizers":null}}`) // by force
	seen.awaitDeleted()

	again := s.create(newSession("one", v1alpha1.ExitConditionCI))
	if !s.awaitFinished().Deleted {
		t.Error("the first one isn't reported as deleted")
	}
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
	s := newStage(t, "one")
	s.begin()
	seen, a := s.perform(newSession("one", v1alpha1.ExitConditionManual))
	a.load(&model.CISettings{}, job("a", running))
	seen.awaitTargets(2)
	s.patch("one", `{"metadata":{"finalizers":null}}`)
	seen.await("no finalizer", func(_ watch.EventType, s *v1alpha1.Session) bool { return !held(s) })
	seen.await("the finalizer", func(_ watch.EventType, s *v1alpha1.Session) bool { return held(s) })
}

func TestSessionsThatAreNotRunHere(t *testing.T) {
	s := newStage(t, "one")
	done := newSession("done", v1alpha1.ExitConditionCI)
	s.create(done)
	s.actors["done"] = make(chan *actor, 1)
	s.patch("done", `{"status":{"done":true,"targets":[]}}`, "status")
	s.begin()
	leftover := func(name string) *v1alpha1.Session {
		created := newSession(name, v1alpha1.ExitConditionCI)
		created.Finalizers = []string{v1alpha1.Finalizer}
		return created
	}
	s.create(leftover("stays"))
	seen := s.create(leftover("goes"))
	s.delete("goes")
	seen.awaitDeleted()
	s.reconciled()
	if stays := s.get("stays"); !held(stays) || stays.Generation != 1 || len(stays.Status.Conditions) != 0 {
		t.Errorf("another Session was written: %+v", stays)
	}
	if len(s.actors["done"]) != 0 || len(s.finished) != 0 {
		t.Error("a Session that was done is run or reported again")
	}
}

func TestTwoSessionsOfOneTiltfile(t *testing.T) {
	s := newStage(t, "one", "two")
	s.begin()
	one, a := s.perform(newSession("one", v1alpha1.ExitConditionCI))
	two, b := s.perform(newSession("two", v1alpha1.ExitConditionCI))
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
func TestRunThatEndsByItself(t *testing.T) {
	s := newStage(t, "one", "two")
	s.begin()
	for _, test := range []struct {
		name      string
		condition v1alpha1.ExitCondition
		result    error
		want      string
	}{
		{"one", v1alpha1.ExitConditionCI, nil, "the run has failed: it ended by itself"},
		{"two", v1alpha1.ExitConditionManual, errors.New("out of luck"), "the run has failed: out of luck"},
	} {
		seen, a := s.perform(newSession(test.name, test.condition))
		a.load(&model.CISettings{}, job("a", running))
		seen.awaitTargets(2)
		a.result <- test.result
		got := seen.awaitDone().Status
		if session.VerdictOf(got) != session.Interrupted || got.Error != test.want || len(got.Targets) != 2 {
			t.Errorf("verdict %q: %s", session.VerdictOf(got), got.Error)
		}
		if end := s.awaitFinished(); end.Err == nil || end.Session.Status.Error != test.want {
			t.Errorf("the reported end is %+v", end)
		}
		s.awaitStored(test.name, released)
		s.awaitEnded(test.name)
	}
}

func TestTeardownErrorIsReturned(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	_, a := s.perform(newSession("Tiltfile", v1alpha1.ExitConditionManual))
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
	seen, a := s.perform(newSession("counted", v1alpha1.ExitConditionCI))
	a.lingers = make(chan struct{})
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
	close(a.lingers)
	s.awaitEnded("counted")
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

// A Session that is deleted while its start is being stored never runs. Its end is reported once.
func TestDeletionBeforeTheStart(t *testing.T) {
	s := newStage(t, "one")
	var once sync.Once
	s.beforeRequest = func(request *http.Request) {
		if ofStatus(request) {
			once.Do(func() { s.delete("one") })
		}
	}
	s.begin()
	seen := s.create(newSession("one", v1alpha1.ExitConditionCI))
	if got := s.awaitFinished(); !got.Deleted || got.Run != nil {
		t.Errorf("the reported end is %+v", got)
	}
	seen.awaitDeleted()
	s.reconciled()
	if len(s.finished) != 0 {
		t.Error("its end is reported again")
	}
}

// A Session that is deleted while it is to start gives its place to the next one.
func TestDeletionGivesThePlaceBack(t *testing.T) {
	s := newStage(t, "one", "two")
	s.config.MaxRunning = 1
	var once sync.Once
	s.beforeRequest = func(request *http.Request) {
		if request.Method == http.MethodPatch {
			once.Do(func() { s.delete("one") })
		}
	}
	s.begin()
	s.awaitSynced()
	s.create(newSession("one", v1alpha1.ExitConditionCI))
	if got := s.awaitFinished(); !got.Deleted {
		t.Errorf("the reported end is %+v", got)
	}
	s.create(newSession("two", v1alpha1.ExitConditionManual))
	s.actor("two")
}
