// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

// patch changes a Session as a user does.
func (s *stage) patch(name, body string, subresources ...string) *v1alpha1.Session {
	s.t.Helper()
	patched, err := s.client.Patch(s.t.Context(), name, types.MergePatchType, []byte(body),
		metav1.PatchOptions{FieldManager: "another"}, subresources...)
	if err != nil {
		s.t.Fatal(err)
	}
	return patched
}

func TestConflictIsRecomputed(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	seen, a := s.perform(newSession("Tiltfile", v1alpha1.ExitConditionManual))
	var last atomic.Int64
	s.onStatusWrite(func(n int64) *http.Response {
		if n <= 5 { // a user is faster, five times
			s.patch("Tiltfile", fmt.Sprintf(`{"metadata":{"labels":{"n":"%d"}}}`, n))
		}
		last.Store(n)
		return nil
	})
	a.load(&model.CISettings{}, job("a", running))
	got := seen.awaitTargets(2)
	if got.Labels["n"] != "5" {
		t.Errorf("the label is %q, want 5", got.Labels["n"])
	}
	if n := last.Load(); n != 6 {
		t.Errorf("%d status writes, want 6", n)
	}
}

// A change of the spec during the write of a status leads to a verdict of the new spec.
func TestVerdictIsOfTheStoredSpec(t *testing.T) {
	s := newStage(t, "Tiltfile")
	seen, a := performCI(s)
	s.onStatusWrite(func(n int64) *http.Response {
		if n == 1 {
			s.patch("Tiltfile", `{"spec":{"exitCondition":"manual"}}`)
		}
		return nil
	})
	a.update(0, succeeded) // would be the end, but for the user
	seen.awaitPhase("a:update", session.PhaseSucceeded)
	for _, event := range seen.seen {
		if event.Object.(*v1alpha1.Session).Status.Done {
			t.Fatal("a manual Session is done")
		}
	}
	if <-a.failFast {
		t.Error("a manual Session fails fast")
	}
}

func TestErrorsAreRetried(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.config.Clock = clock.RealClock{}
	s.begin()
	seen, a := s.perform(newSession("Tiltfile", v1alpha1.ExitConditionCI))
	var last atomic.Int64
	s.onStatusWrite(func(n int64) *http.Response {
		last.Store(n)
		if n > 3 {
			return nil
		}
		return answer(http.StatusInternalServerError, metav1.StatusReasonInternalError)
	})
	a.load(&model.CISettings{}, job("a", succeeded))
	seen.awaitDone()
	if n := last.Load(); n != 4 {
		t.Errorf("%d status writes, want 4", n)
	}
}

func TestStatusHasOneWriter(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	seen := s.create(newSession("Tiltfile", v1alpha1.ExitConditionCI))
	s.actor("Tiltfile").load(&model.CISettings{}, job("a", running))
	before := seen.awaitTargets(2)

	foreign := s.patch("Tiltfile", `{"status":{"pid":1,"done":true,"error":"by another client","targets":[]}}`, "status")
	if !foreign.Status.Done {
		t.Fatal("the foreign write had no effect")
	}
	seen.awaitTargets(0) // the foreign write itself
	after := seen.awaitTargets(2)
	if diff := cmp.Diff(before.Status, after.Status); diff != "" {
		t.Error(diff)
	}
	if n := len(s.finished); n != 0 {
		t.Errorf("Finished was called %d times", n)
	}

	for _, managed := range after.ManagedFields {
		if managed.Manager == FieldManager && managed.Subresource == "status" {
			return
		}
	}
	t.Errorf("%s isn't among the managers: %v", FieldManager, after.ManagedFields)
}

func TestForeignConditionStays(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	seen, a := s.perform(newSession("Tiltfile", v1alpha1.ExitConditionManual))
	a.load(&model.CISettings{}, job("a", running))
	conditions := seen.awaitTargets(2).Status.Conditions
	conditions = append(conditions, metav1.Condition{
		Type: "Reviewed", Status: metav1.ConditionTrue, Reason: "Fine", LastTransitionTime: metav1.NewTime(start),
	})
	session, err := s.client.Get(t.Context(), "Tiltfile", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	session.Status.Conditions = conditions
	if _, err := s.client.UpdateStatus(t.Context(), session, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	a.load(&model.CISettings{}, job("a", running), job("b", running))
	if got := seen.awaitTargets(3).Status.Conditions; len(got) != 4 || got[3].Type != "Reviewed" {
		t.Errorf("conditions are %v", got)
	}
}

// The limits in effect are those of the Tiltfile, over those of the spec, which stays as the user has written it.
func TestLimitsInEffect(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	created := newSession("Tiltfile", v1alpha1.ExitConditionManual)
	created.Spec.CI = &v1alpha1.SessionCISpec{Timeout: &metav1.Duration{Duration: time.Minute}}
	seen, a := s.perform(created)
	limits := func(ci *v1alpha1.SessionCISpec) string {
		if ci == nil {
			return "none"
		}
		return fmt.Sprintf("%v %v", ci.Timeout.Duration, ci.ReadinessTimeout.Duration)
	}
	expect := func(targets int, want string) {
		t.Helper()
		if got := limits(seen.awaitTargets(targets).Status.CI); got != want {
			t.Errorf("with %d targets status.ci is %s, want %s", targets, got, want)
		}
	}

	a.load(&model.CISettings{ReadinessTimeout: ptr(7 * time.Second)}, job("a", running))
	expect(2, "1m0s 7s")
	s.patch("Tiltfile", `{"spec":{"ci":{"timeout":"9s","readinessTimeout":"8s"}}}`)
	seen.await("another limit", func(_ watch.EventType, s *v1alpha1.Session) bool { return limits(s.Status.CI) == "9s 7s" })
	a.load(&model.CISettings{Timeout: ptr(time.Duration(0))}, job("a", running), job("b", running), job("c", running))
	expect(4, "0s 8s")
	a.load(nil, job("a", running))
	expect(2, "none")
	if ci := s.get("Tiltfile").Spec.CI; limits(ci) != "9s 8s" {
		t.Errorf("spec.ci is %s", limits(ci))
	}
}

// A verdict follows from the limits that the Tiltfile sets.
func TestVerdictIsOfTheLimitsInEffect(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	created := newSession("Tiltfile", v1alpha1.ExitConditionCI)
	created.Spec.CI = &v1alpha1.SessionCISpec{ReadinessTimeout: &metav1.Duration{Duration: time.Second}}
	seen, a := s.perform(created)
	s.clock.Step(time.Minute)
	a.load(&model.CISettings{ReadinessTimeout: ptr(time.Hour)}, server("s", starting))
	if seen.awaitTargets(2).Status.Done {
		t.Error("the limit was that of the spec")
	}
}

func TestPatchToCIEndsAHealthySession(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	seen, a := s.perform(newSession("Tiltfile", v1alpha1.ExitConditionManual))
	a.load(&model.CISettings{}, job("a", succeeded), server("s", ready))
	if seen.awaitTargets(3).Status.Done {
		t.Fatal("a manual Session is done")
	}
	s.patch("Tiltfile", `{"spec":{"exitCondition":"ci"}}`)
	if got := session.VerdictOf(seen.awaitDone().Status); got != session.Succeeded {
		t.Errorf("verdict %q", got)
	}
	if !<-a.failFast {
		t.Error("a ci Session doesn't fail fast")
	}
	s.awaitDone()
}

// keepGoing can be set during a run.
func TestPatchToKeepGoing(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	seen, a := s.perform(newSession("Tiltfile", v1alpha1.ExitConditionCI))
	a.load(&model.CISettings{}, job("a", running), job("b", running))
	seen.awaitTargets(3)
	s.patch("Tiltfile", `{"spec":{"keepGoing":true}}`)
	if <-a.failFast {
		t.Error("a Session that keeps going fails fast")
	}
	a.update(0, failed)
	seen.awaitPhase("a:update", session.PhaseFailed)
	a.update(1, succeeded)
	if got := seen.awaitDone().Status; session.VerdictOf(got) != session.TargetFailed || got.Error != "it failed" {
		t.Errorf("verdict %q: %s", session.VerdictOf(got), got.Error)
	}
	for _, event := range seen.seen {
		if got := event.Object.(*v1alpha1.Session).Status; got.Done && len(got.Targets) == 3 && got.Targets[1].State.Active != nil {
			t.Error("it was done while b was running")
		}
	}
}

// What stops waiting for the rest ends at the failures that there are.
func TestPatchFromKeepGoing(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	created := newSession("Tiltfile", v1alpha1.ExitConditionCI)
	created.Spec.KeepGoing = true
	seen, a := s.perform(created)
	a.load(&model.CISettings{}, job("a", failed), job("b", running))
	if seen.awaitTargets(3).Status.Done {
		t.Fatal("it's done while b is running")
	}
	s.patch("Tiltfile", `{"spec":{"keepGoing":false}}`)
	if !<-a.failFast {
		t.Error("it doesn't fail fast")
	}
	seen.awaitDone()
}

func TestASettlingSessionIsLookedAtInTime(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	seen, a := s.perform(newSession("Tiltfile", v1alpha1.ExitConditionCI))
	a.load(&model.CISettings{Settle: ptr(time.Minute)}, job("a", succeeded), server("s", ready))
	settling := seen.awaitTargets(3)
	if condition := meta.FindStatusCondition(settling.Status.Conditions, v1alpha1.SessionConditionSucceeded); settling.Status.Done || condition.Reason != "Settling" {
		t.Fatalf("done %v, %+v", settling.Status.Done, condition)
	}
	s.passTime(10*time.Second, func() bool { return len(s.finished) == 1 })
	if got := session.VerdictOf(seen.awaitDone().Status); got != session.Succeeded {
		t.Errorf("verdict %q", got)
	}
}

func TestLimitsEndASession(t *testing.T) {
	for name, tc := range map[string]struct {
		ci   model.CISettings
		want string
	}{
		"overall":   {model.CISettings{Timeout: ptr(3 * time.Minute)}, "Timeout after 3m0s: 1 resources not ready (s:serve)"},
		"readiness": {model.CISettings{ReadinessTimeout: ptr(2 * time.Minute)}, "Readiness timeout after 2m0s: target s:serve not ready"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, "Tiltfile")
			s.begin()
			seen := s.create(newSession("Tiltfile", v1alpha1.ExitConditionCI))
			s.actor("Tiltfile").load(&tc.ci, server("s", starting))
			if seen.awaitTargets(2).Status.Done {
				t.Fatal("it's done at once")
			}
			s.passTime(10*time.Second, func() bool { return len(s.finished) == 1 })
			if got := seen.awaitDone().Status.Error; got != tc.want {
				t.Errorf("error %q, want %q", got, tc.want)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }
