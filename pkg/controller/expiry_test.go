// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-base/metrics/legacyregistry"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

// finish has a Session run to its end.
func (s *stage) finish(created *v1alpha1.Session) *audience {
	s.t.Helper()
	seen := s.create(created)
	s.actor(created.Name).load(&model.CISettings{}, job("a", succeeded))
	seen.awaitDone()
	s.awaitStored(created.Name, func(s *v1alpha1.Session) bool { return gone(s) || released(s) })
	return seen
}

func expiring(name string, seconds int32) *v1alpha1.Session {
	s := newSession(name, v1alpha1.ExitConditionCI)
	s.Spec.TTLSecondsAfterFinished = &seconds
	return s
}

func TestExpiry(t *testing.T) {
	s := newStage(t, "stays", "minute", "hour")
	s.begin()
	s.finish(newSession("stays", v1alpha1.ExitConditionCI))
	minute := s.finish(expiring("minute", 60))
	hour := s.finish(expiring("hour", 3600))
	s.clock.Step(time.Minute)
	s.reconciled()
	if s.get("minute") == nil {
		t.Error("it's deleted too early")
	}
	s.passTime(time.Second, func() bool { return s.get("minute") == nil })
	minute.awaitDeleted()
	if passed := s.clock.Since(start); passed > 10*time.Minute {
		t.Errorf("it's deleted after %v", passed)
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}

	// Another process counts from when it was done.
	s = s.successor()
	s.clock.SetTime(start.Add(time.Hour - time.Minute))
	s.begin()
	s.awaitSynced()
	s.passTime(time.Second, func() bool { return s.get("hour") == nil })
	hour.awaitDeleted()
	if passed := s.clock.Since(start); passed < time.Hour || passed > time.Hour+10*time.Minute {
		t.Errorf("it's deleted after %v", passed)
	}
	if s.get("stays") == nil {
		t.Error("a Session is deleted that was to stay")
	}
}

// awaitSynced waits until the Controller knows all Sessions.
func (s *stage) awaitSynced() {
	s.t.Helper()
	eventually(s.t, func() bool { return s.controller.InformersSynced(s.t.Context()) == nil })
	s.reconciled()
}

// Sessions that are done cost neither requests nor goroutines, with or without a time at which they're deleted.
func TestDoneSessionsCostNothing(t *testing.T) {
	const n = 500
	s := newStage(t)
	for i := range n {
		created := newSession(fmt.Sprintf("s%03d", i), v1alpha1.ExitConditionCI)
		if i%2 == 0 {
			created.Spec.TTLSecondsAfterFinished = ptr(int32(3600))
		}
		stored, err := s.client.Create(t.Context(), created, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		stored.Status = session.Interrupt(stored, "long ago", start)
		if _, err := s.client.UpdateStatus(t.Context(), stored, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	s.config.Runs = func(*v1alpha1.Session) bool { return true }
	before := runtime.NumGoroutine()
	s.begin()
	s.awaitSynced()
	requests := s.requests.Load()
	s.clock.Step(59 * time.Minute)
	s.reconciled()
	if got := s.requests.Load(); got != requests || got > 2 {
		t.Errorf("%d requests to know them, then %d", requests, got-requests)
	}
	if more := runtime.NumGoroutine() - before; more > 50 {
		t.Errorf("%d goroutines", more)
	}
	if stored, err := s.controller.sessions.Get("s001"); err != nil || len(stored.ManagedFields) != 0 {
		t.Errorf("it's known as %+v (%v)", stored, err)
	}
}

func TestMetricsOfManySessions(t *testing.T) {
	s := newStage(t, "counted-1", "counted-2")
	s.begin()
	s.finish(newSession("counted-1", v1alpha1.ExitConditionCI))
	s.awaitEnded("counted-1")
	seen := s.create(newSession("counted-2", v1alpha1.ExitConditionManual))
	s.actor("counted-2").load(&model.CISettings{}, job("a", running))
	seen.awaitTargets(2)
	labels := func() map[string]bool {
		families, err := legacyregistry.DefaultGatherer.Gather()
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, family := range families {
			for _, metric := range family.GetMetric() {
				for _, label := range metric.GetLabel() {
					names[label.GetValue()] = true
				}
			}
		}
		return names
	}
	eventually(t, func() bool { return labels()["counted-2"] })
	if labels()["counted-1"] {
		t.Error("a Session is counted that isn't run any more")
	}
	s.delete("counted-2")
	seen.awaitDeleted()
	s.awaitEnded("counted-2")
	if labels()["counted-2"] {
		t.Error("a Session is counted that's gone")
	}
}
