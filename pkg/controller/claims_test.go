// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	testserver "tilt.dev/session/pkg/testing/server"
)

// lease are the claims of a process.
type lease struct {
	name string
	lost atomic.Pointer[error]
}

func (l *lease) Claim() v1alpha1.SessionRunner {
	return v1alpha1.SessionRunner{
		Name: l.name, UID: types.UID("uid-of-" + l.name), ClaimTime: metav1.NewMicroTime(start), LeaseDurationSeconds: 15,
	}
}

func (l *lease) Lost() error {
	if err := l.lost.Load(); err != nil {
		return *err
	}
	return nil
}

// newRunnerStage is a stage of a process that claims Sessions.
func newRunnerStage(t *testing.T, server *testserver.Server, name string, most int, sessions ...string) (*stage, *lease) {
	s := newStageAt(t, server, sessions...)
	l := &lease{name: name}
	s.config.Claims, s.config.MaxRunning = l, most
	return s, l
}

func claimedBy(l *lease) func(*v1alpha1.Session) bool {
	return func(s *v1alpha1.Session) bool {
		return s != nil && s.Status.Runner != nil && s.Status.Runner.Name == l.name
	}
}

func isUnclaimed(s *v1alpha1.Session) bool { return s != nil && s.Status.Runner == nil && !held(s) }

func TestClaimIsStoredBeforeTheStart(t *testing.T) {
	s, l := newRunnerStage(t, testserver.Start(t), "one", 1, "a")
	var writes []string
	s.afterRequest = func(request *http.Request) {
		if request.Method == http.MethodPut || request.Method == http.MethodPatch {
			writes = append(writes, request.Method+" "+request.URL.Path[strings.LastIndex(request.URL.Path, "/")+1:])
		}
	}
	s.begin()
	_, a := s.perform(newSession("a", v1alpha1.ExitConditionCI))
	stored := s.awaitStored("a", claimedBy(l))
	scheduled := meta.FindStatusCondition(stored.Status.Conditions, v1alpha1.SessionConditionScheduled)
	if scheduled == nil || scheduled.Status != metav1.ConditionTrue || !strings.Contains(scheduled.Message, `"one"`) {
		t.Errorf("scheduled: %+v", scheduled)
	}
	a.load(nil, job("b", &engine.UpdateState{Last: &engine.Exit{Start: start, Finish: start}}))
	s.awaitEnded("a")
	stored = s.awaitStored("a", released)
	if !stored.Status.Done || stored.Status.Error != "" || stored.Status.Runner == nil {
		t.Errorf("stored: %+v", stored.Status)
	}
	if want := []string{"PUT status", "PATCH a", "PUT status"}; len(writes) < 3 || !slices.Equal(writes[:3], want) {
		t.Errorf("writes %q, want to begin with %q", writes, want)
	}
}

// Two processes run each Session once, and no more than they may at a time.
func TestTwoProcessesShareSessions(t *testing.T) {
	const number = 30
	var names []string
	for i := range number {
		names = append(names, fmt.Sprintf("s%02d", i))
	}
	server := testserver.Start(t)
	one, _ := newRunnerStage(t, server, "one", 2, names...)
	two, _ := newRunnerStage(t, server, "two", 2, names...)
	var ran [number]atomic.Int32
	for _, s := range []*stage{one, two} {
		create := s.config.NewRun
		s.config.NewRun = func(session *v1alpha1.Session, onChange func(*engine.Snapshot)) Run {
			run := create(session, onChange).(*actor)
			<-s.actors[session.Name]
			ran[slices.Index(names, session.Name)].Add(1)
			go run.load(nil, job("b", &engine.UpdateState{Last: &engine.Exit{Start: start, Finish: start}}))
			return run
		}
		s.begin()
	}
	for _, name := range names {
		if _, err := one.client.Create(t.Context(), newSession(name, v1alpha1.ExitConditionCI), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	by := map[string]int{}
	for i, name := range names {
		done := one.awaitStored(name, func(s *v1alpha1.Session) bool { return s != nil && s.Status.Done && released(s) })
		if done.Status.Error != "" {
			t.Errorf("%s: %s", name, done.Status.Error)
		}
		by[done.Status.Runner.Name]++
		if times := ran[i].Load(); times != 1 {
			t.Errorf("%s was run %d times", name, times)
		}
	}
	t.Logf("shares: %v", by)
}

// A run ends when its claim was removed. Then the Session may be claimed again, and is another run.
func TestLostClaimEndsTheRun(t *testing.T) {
	s, l := newRunnerStage(t, testserver.Start(t), "one", 1, "a")
	s.begin()
	_, first := s.perform(newSession("a", v1alpha1.ExitConditionManual))
	remove := func() error {
		session := s.get("a")
		session.Status.Runner = nil
		_, err := s.client.UpdateStatus(t.Context(), session, metav1.UpdateOptions{})
		return err
	}
	for apierrors.IsConflict(remove()) {
	}
	eventually(t, first.hasEnded)
	if end := s.awaitFinished(); !errors.Is(end.Err, errUnclaimed) {
		t.Errorf("the end is %v", end.Err)
	}
	if second := s.actor("a"); second == first {
		t.Error("the run has started again")
	}
	s.awaitStored("a", claimedBy(l))
}

func TestProcessThatLosesItsLease(t *testing.T) {
	server := testserver.Start(t)
	s, l := newRunnerStage(t, server, "one", 2, "ci", "manual")
	s.begin()
	s.perform(newSession("ci", v1alpha1.ExitConditionCI))
	_, manual := s.perform(newSession("manual", v1alpha1.ExitConditionManual))
	manual.load(nil)
	s.awaitStored("manual", claimedBy(l))
	err := errors.New("not renewed in time")
	l.lost.Store(&err)
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	failed := s.awaitStored("ci", released)
	if !failed.Status.Done || !strings.Contains(failed.Status.Error, "not renewed in time") {
		t.Errorf("the ci Session: %+v", failed.Status)
	}
	left := s.awaitStored("manual", isUnclaimed)
	if left.Status.Done || left.Status.PID != 0 || !left.Status.StartTime.IsZero() {
		t.Errorf("the manual Session: %+v", left.Status)
	}
}

// The verdict that a Session of a lost Runner was given stands, whatever the Runner finds out later.
func TestVerdictOfAnotherProcessStands(t *testing.T) {
	s, l := newRunnerStage(t, testserver.Start(t), "one", 1, "a")
	s.begin()
	s.perform(newSession("a", v1alpha1.ExitConditionCI))
	s.awaitStored("a", func(a *v1alpha1.Session) bool { return a != nil && !a.Status.StartTime.IsZero() })
	err := errors.New("not renewed in time")
	l.lost.Store(&err)
	decide := func() error {
		session := s.get("a")
		session.Status.Done, session.Status.Error = true, "the runner was lost"
		_, err := s.client.UpdateStatus(t.Context(), session, metav1.UpdateOptions{})
		return err
	}
	for apierrors.IsConflict(decide()) {
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	if got := s.awaitStored("a", released); got.Status.Error != "the runner was lost" {
		t.Errorf("the verdict is now %q", got.Status.Error)
	}
}

// Draining finishes what ends by itself, hands over what doesn't, and claims nothing more.
func TestDrain(t *testing.T) {
	server := testserver.Start(t)
	s, _ := newRunnerStage(t, server, "one", 2, "ci", "manual", "late")
	s.begin()
	_, ci := s.perform(newSession("ci", v1alpha1.ExitConditionCI))
	s.perform(newSession("manual", v1alpha1.ExitConditionManual))
	s.create(newSession("late", v1alpha1.ExitConditionCI))
	drained := make(chan struct{})
	go func() {
		s.controller.Drain(t.Context())
		close(drained)
	}()
	s.awaitStored("manual", isUnclaimed)
	select {
	case <-drained:
		t.Fatal("drained while a ci Session runs")
	default:
	}
	ci.load(nil, job("b", &engine.UpdateState{Last: &engine.Exit{Start: start, Finish: start}}))
	<-drained
	if got := s.awaitStored("ci", released); !got.Status.Done || got.Status.Error != "" {
		t.Errorf("the ci Session: %+v", got.Status)
	}
	if got := s.get("late"); got.Status.Runner != nil {
		t.Errorf("claimed while draining: %+v", got.Status.Runner)
	}
}

// What another process has claimed is its own: nothing is written about it, whatever becomes of it.
func TestSessionsOfOthers(t *testing.T) {
	server := testserver.Start(t)
	s, _ := newRunnerStage(t, server, "one", 1, "a", "b")
	session, err := s.client.Create(t.Context(), newSession("a", v1alpha1.ExitConditionCI), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	claim := (&lease{name: "two"}).Claim()
	session.Status.Runner = &claim
	if session, err = s.client.UpdateStatus(t.Context(), session, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	session.Finalizers = []string{v1alpha1.Finalizer}
	if _, err = s.client.Update(t.Context(), session, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.begin()
	s.perform(newSession("b", v1alpha1.ExitConditionManual)) // It isn't behind the other one.
	s.delete("a")
	s.reconciled()
	if got := s.get("a"); !held(got) || got.Status.Runner == nil {
		t.Errorf("stored: %+v", got)
	}
}

func TestRandomOrderOfTheOldest(t *testing.T) {
	a := newAdmission(1)
	a.spread = 3
	for i := range 10 {
		a.add(&v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprint(i), UID: types.UID(fmt.Sprint(i)), CreationTimestamp: metav1.NewTime(start),
		}})
	}
	first := map[string]int{}
	for range 400 {
		a.round++
		names := a.names()
		if len(names) != 1 {
			t.Fatalf("admissible: %v", names)
		}
		first[names[0]]++
	}
	for i := range 4 {
		if first[fmt.Sprint(i)] < 40 {
			t.Errorf("of 400 times the first was %v", first)
		}
	}
	if len(first) != 4 {
		t.Errorf("the first was %v", first)
	}
}
