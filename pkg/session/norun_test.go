// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// begun is a Session whose run was seen once.
func begun(s *v1alpha1.Session) *v1alpha1.Session {
	s.Status, _ = Status(run(job("j", running(0))), s, at(0))
	return s
}

func TestInterrupt(t *testing.T) {
	s := begun(ci(0, 0))
	before := s.DeepCopy()
	status := Interrupt(s, "the power was out \xff", at(time.Minute))
	if VerdictOf(status) != Interrupted || status.Error != "the power was out \uFFFD" {
		t.Errorf("verdict %q: %s", VerdictOf(status), status.Error)
	}
	failed := meta.FindStatusCondition(status.Conditions, v1alpha1.SessionConditionFailed)
	if failed.Message != status.Error || !failed.LastTransitionTime.Time.Equal(at(time.Minute).Truncate(time.Second)) {
		t.Errorf("the condition is %+v", failed)
	}
	if succeeded := meta.FindStatusCondition(status.Conditions, v1alpha1.SessionConditionSucceeded); succeeded.Reason != "Interrupted" {
		t.Errorf("the condition is %+v", succeeded)
	}
	if diff := cmp.Diff(s.Status.Targets, status.Targets); diff != "" || status.PID != 42 || !Begun(&status) {
		t.Errorf("what was known is lost: %s", diff)
	}
	if diff := cmp.Diff(before, s); diff != "" {
		t.Errorf("the argument was changed: %s", diff)
	}
}

func TestEnding(t *testing.T) {
	s := begun(manual())
	status := Ending(s, at(time.Minute))
	if ready := meta.FindStatusCondition(status.Conditions, v1alpha1.SessionConditionReady); ready.Reason != "Ending" || status.Done {
		t.Errorf("the status is %+v", status)
	}
	s.Status = status
	if diff := cmp.Diff(status, Ending(s, at(time.Hour))); diff != "" {
		t.Errorf("it's another one later: %s", diff)
	}
}

func TestWaiting(t *testing.T) {
	status := Waiting(begun(manual()), at(time.Minute))
	if Begun(&status) || status.PID != 0 || len(status.Targets) != 1 || status.Targets[0].State.Waiting.WaitReason != "waiting-for-session-slot" {
		t.Errorf("the status is %+v", status)
	}
	if ready := meta.FindStatusCondition(status.Conditions, v1alpha1.SessionConditionReady); !strings.HasSuffix(ready.Message, "1 waiting") {
		t.Errorf("the condition is %+v", ready)
	}
	unknown := manual()
	unknown.Spec.ExitCondition = "later"
	if status := Waiting(unknown, at(0)); VerdictOf(status) != UnsupportedExitCondition {
		t.Errorf("verdict %q", VerdictOf(status))
	}
}

func TestUnrunnable(t *testing.T) {
	s := manual()
	if err := Unrunnable(s); err != nil {
		t.Errorf("an absolute path: %v", err)
	}
	s.Spec.TiltfilePath = "p/Tiltfile"
	if err := Unrunnable(s); err == nil || !strings.HasPrefix(err.Error(), `spec.tiltfilePath: "p/Tiltfile" is relative`) {
		t.Errorf("a relative path: %v", err)
	}
}

func TestRefusal(t *testing.T) {
	relative := func(s *v1alpha1.Session, path string) *v1alpha1.Session {
		s.Spec.TiltfilePath = path
		return s
	}
	refusal := func(s *v1alpha1.Session, now time.Time) v1alpha1.SessionStatus {
		status, _ := Status(&engine.Snapshot{}, s, now)
		return status
	}
	s := relative(manual(), "p/Tiltfile")
	s.Status = refusal(s, at(0))
	first := s.Status.Targets[0].State.Terminated
	if s.Status.Done || Begun(&s.Status) || first == nil || first.Error != Unrunnable(s).Error() {
		t.Fatalf("a manual Session: %+v", s.Status)
	}
	// Nothing is new as long as the same is wrong.
	if again := refusal(s, at(time.Hour)).Targets[0].State.Terminated; !again.FinishTime.Equal(&first.FinishTime) {
		t.Errorf("an hour later: %+v", again)
	}
	if other := refusal(relative(s, "q/Tiltfile"), at(time.Hour)).Targets[0].State.Terminated; !other.FinishTime.Time.Equal(at(time.Hour)) {
		t.Errorf("another path: %+v", other)
	}
	short := relative(ci(0, 0), "p/Tiltfile")
	if got := refusal(short, at(0)); VerdictOf(got) != TiltfileFailed || got.Error != Unrunnable(short).Error() {
		t.Errorf("a ci Session: verdict %q, %s", VerdictOf(got), got.Error)
	}
	if !MayEnd(run(job("a", running(1))), short) {
		t.Error("the refusal of a ci Session is not expected")
	}
}

// What goes on while the Tiltfile can't be evaluated stays visible.
func TestRefused(t *testing.T) {
	snap := run(job("j", running(0)))
	snap.Tiltfile.Pending, snap.Tiltfile.Running = true, at(time.Second)
	last := snap.Tiltfile.Last
	session := manual()
	session.Spec.TiltfilePath = "p/Tiltfile"
	status, _ := Status(snap, session, at(time.Minute))
	if len(status.Targets) != 2 || PhaseOf(status.Targets[0].State) != PhaseActive || PhaseOf(status.Targets[1].State) != PhaseFailed {
		t.Errorf("targets are %+v", status.Targets)
	}
	if !snap.Tiltfile.Pending || snap.Tiltfile.Last != last {
		t.Error("the snapshot was changed")
	}
}

func TestExpiry(t *testing.T) {
	done := func(ttl *int32) *v1alpha1.Session {
		s := manual()
		s.Spec.TTLSecondsAfterFinished = ttl
		s.Status = Interrupt(s, "it's over", at(0))
		return s
	}
	// Conditions have whole seconds, so that it may have been done a second later.
	known := at(0).Truncate(time.Second).Add(time.Second)
	unknown, undone := done(pointer[int32](3600)), manual()
	unknown.Status.Conditions = nil
	undone.Spec.TTLSecondsAfterFinished = pointer[int32](0)
	for name, tc := range map[string]struct {
		session *v1alpha1.Session
		want    time.Time
	}{
		"an hour":            {done(pointer[int32](3600)), known.Add(time.Hour)},
		"at once":            {done(pointer[int32](0)), known},
		"the longest":        {done(pointer[int32](math.MaxInt32)), known.Add(math.MaxInt32 * time.Second)},
		"unset":              {done(nil), time.Time{}},
		"without conditions": {unknown, time.Time{}},
		"not done":           {undone, time.Time{}},
	} {
		if got := Expiry(tc.session); !got.Equal(tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
