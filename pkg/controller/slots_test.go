// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

// stored is a Session as it would be in a store.
func stored(name string, created time.Time) *v1alpha1.Session {
	s := newSession(name, v1alpha1.ExitConditionCI)
	s.UID, s.CreationTimestamp = types.UID(name), metav1.NewTime(created)
	return s
}

func TestSlotsGoByAge(t *testing.T) {
	s := newSlots(2)
	defer s.clear()
	old, a, b, c := stored("old", start), stored("a", start.Add(time.Second)), stored("b", start.Add(time.Second)), stored("c", start.Add(2*time.Second))
	for _, session := range []*v1alpha1.Session{c, a, b, a, old} {
		s.join(session)
	}
	if s.take(c) || s.take(b) || !s.take(old) || !s.take(a) || s.take(b) || s.take(a) {
		t.Error("slots are taken out of order, or too many")
	}
	s.giveBack(a.UID)
	if s.take(b) || !s.take(a) {
		t.Error("who gives one back doesn't wait where it did")
	}
	if got := s.leave(c.UID); len(got) != 0 {
		t.Errorf("without a free slot %v may take one", got)
	}
	s.join(c)
	if got := s.free(old.UID); !slices.Equal(got, []string{"b"}) {
		t.Errorf("%v may take one", got)
	}
	if got := s.leave(b.UID); !slices.Equal(got, []string{"c"}) {
		t.Errorf("%v may take one", got)
	}
	if !s.take(c) || s.take(stored("late", start)) {
		t.Error("slots are taken out of order, or too many")
	}
	if !newSlots(0).take(a) {
		t.Error("without a limit there's no slot")
	}
}

func TestMaxRunning(t *testing.T) {
	names := []string{"c-first", "b-second", "a-third", "d-fourth"}
	s := newDurable(t, append(names, "refused", "deleted")...)
	s.config.MaxRunning = 2
	s.begin()
	s.awaitSynced() // those of one second are told apart by the order of their events
	seen := map[string]*audience{}
	refused := newSession("refused", v1alpha1.ExitConditionManual)
	refused.Spec.TiltfilePath = "relative"
	s.create(refused)
	for _, name := range names[:3] {
		seen[name] = s.create(newSession(name, v1alpha1.ExitConditionManual))
	}
	first := s.actor("c-first")
	s.actor("b-second")
	deleted := s.create(newSession("deleted", v1alpha1.ExitConditionManual))
	seen["d-fourth"] = s.create(newSession("d-fourth", v1alpha1.ExitConditionCI))

	for _, waiting := range []*audience{seen["a-third"], deleted, seen["d-fourth"]} {
		got := waiting.awaitWaiting()
		if session.Begun(&got.Status) || got.Status.PID != 0 || held(got) {
			t.Errorf("it has begun: %+v", got)
		}
	}
	first.lingers = make(chan struct{})
	s.delete("deleted")
	deleted.awaitDeleted()
	s.delete("c-first")
	s.reconciled()
	if len(s.actors["a-third"]) != 0 {
		t.Error("a slot was taken before all of a run had ended")
	}
	close(first.lingers)
	third := s.actor("a-third")
	third.load(&model.CISettings{}, job("a", succeeded))
	seen["a-third"].awaitTargets(2)
	s.reconciled()
	if len(s.actors["d-fourth"]) != 0 {
		t.Error("three are run")
	}
	s.patch("a-third", `{"spec":{"exitCondition":"ci"}}`)
	seen["a-third"].awaitDone()
	s.actor("d-fourth")
}

// A restart starts the oldest, whatever their names are.
func TestMaxRunningAfterARestart(t *testing.T) {
	const n = 20
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("s%02d", n-i))
	}
	s := newDurable(t, names...)
	s.config.MaxRunning = 1
	for i, name := range names {
		if i == 1 {
			first := s.get(names[0]).CreationTimestamp
			eventually(t, func() bool { return time.Since(first.Time) > time.Second })
		}
		s.create(newSession(name, v1alpha1.ExitConditionManual))
	}
	s.begin()
	s.actor(names[0])
	s.reconciled()
	for _, name := range names[1:] {
		if len(s.actors[name]) != 0 {
			t.Errorf("%s is run", name)
		}
	}
}
