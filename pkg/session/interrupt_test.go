// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
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
