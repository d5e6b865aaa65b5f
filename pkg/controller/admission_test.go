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

func TestAdmissionGoesByAge(t *testing.T) {
	a := newAdmission(2)
	defer a.clear()
	old, one, two, late := stored("old", start), stored("one", start.Add(time.Second)), stored("two", start.Add(time.Second)), stored("late", start.Add(2*time.Second))
	for _, session := range []*v1alpha1.Session{late, one, two, one, old} {
		a.add(session)
	}
	if a.admit(late) || a.admit(two) || !a.admit(old) || !a.admit(one) || a.admit(two) || a.admit(one) {
		t.Error("Sessions are admitted out of order, or too many")
	}
	a.postpone(one.UID)
	if a.admit(two) || !a.admit(one) {
		t.Error("a Session that couldn't start isn't the next")
	}
	for _, step := range []struct {
		what string
		got  []string
		want []string
	}{
		{"one that runs doesn't wait", a.withdraw(one.UID), nil},
		{"nothing is free", a.withdraw(late.UID), nil},
		{"an end admits the oldest", a.release(old.UID), []string{"two"}},
		{"the next follows if it doesn't want to", a.withdraw(two.UID), nil},
	} {
		if !slices.Equal(step.got, step.want) {
			t.Errorf("%s: %v may run, want %v", step.what, step.got, step.want)
		}
	}
	a.add(two)
	a.add(late)
	if got := a.withdraw(two.UID); !slices.Equal(got, []string{"late"}) {
		t.Errorf("%v may run", got)
	}
	if !a.admit(late) || a.admit(stored("last", start)) {
		t.Error("Sessions are admitted out of order, or too many")
	}
	if unlimited := newAdmission(0); !unlimited.admit(one) || unlimited.release(one.UID) != nil {
		t.Error("a Session is not admitted without a limit")
	}
}

func TestAdmissionOfLargeWrites(t *testing.T) {
	admission := newAdmission(0)
	a, b, c := &run{name: "a", uid: "a"}, &run{name: "b", uid: "b"}, &run{name: "c", uid: "c"}
	admitted := func(r *run) bool { admitted, _ := admission.beginWrite(r, start, false); return admitted }
	if !admitted(a) {
		t.Fatal("nothing is admitted at first")
	}
	for _, r := range []*run{b, c, b, b} {
		if admitted(r) {
			t.Errorf("%s is written beside another one", r.name)
		}
	}
	// One that has nothing to write any more keeps nothing from the others.
	if got := admission.endWrite(a, start, start); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("%v may try again", got)
	}
	if !admitted(c) || admitted(b) {
		t.Error("the first that tries is not the one that's admitted")
	}
	if got := admission.endWrite(c, start, start); !slices.Equal(got, []string{"b"}) {
		t.Errorf("%v may try again", got)
	}
}

func TestRestOfLargeWrites(t *testing.T) {
	for name, tc := range map[string]struct{ write, passed, want time.Duration }{
		"a fifth of the time is for writing": {write: 20 * time.Millisecond, want: 80 * time.Millisecond},
		"some of the rest has passed":        {write: 20 * time.Millisecond, passed: 30 * time.Millisecond, want: 50 * time.Millisecond},
		"all of it has":                      {write: 20 * time.Millisecond, passed: 80 * time.Millisecond, want: 0},
		"long ago":                           {write: 20 * time.Millisecond, passed: time.Hour, want: 0},
		"a very slow write":                  {write: time.Minute, want: maxRest},
		"no time at all":                     {want: 0},
	} {
		t.Run(name, func(t *testing.T) {
			admission, r := newAdmission(0), &run{name: "a", uid: "a"}
			admission.endWrite(r, start, start.Add(tc.write))
			now := start.Add(tc.write + tc.passed)
			if admitted, rest := admission.beginWrite(r, now, false); rest != tc.want || admitted != (tc.want == 0) {
				t.Errorf("admitted %v, rest %v, want %v", admitted, rest, tc.want)
			}
			if other, _ := newAdmission(0).beginWrite(r, now, false); !other {
				t.Error("another run rests")
			}
		})
	}
	admission, r := newAdmission(0), &run{name: "a", uid: "a"}
	admission.endWrite(r, start, start.Add(time.Second))
	if admitted, _ := admission.beginWrite(r, start.Add(time.Second), true); !admitted {
		t.Error("what's urgent rests")
	}
}

func TestMaxRunning(t *testing.T) {
	names := []string{"c-first", "b-second", "a-third", "d-fourth"}
	s := newStage(t, append(names, "refused", "deleted")...)
	s.config.MaxRunning = 2
	s.begin()
	s.awaitSynced() // the order of their events decides between those of one second
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
	s := newStage(t, names...)
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
