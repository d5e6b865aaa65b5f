// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

func TestWhyNotRun(t *testing.T) {
	now := metav1.NewTime(epoch)
	begun := metav1.NewMicroTime(epoch)
	in := func(state v1alpha1.TargetState) v1alpha1.SessionStatus {
		return v1alpha1.SessionStatus{Targets: []v1alpha1.Target{{Name: "tiltfile:update", State: state}}}
	}
	waits := in(v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{WaitReason: v1alpha1.WaitReasonSessionSlot}})
	refused := in(v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{Error: "no such file"}})
	interrupted := refused
	interrupted.StartTime = begun
	for name, test := range map[string]struct {
		session v1alpha1.Session
		want    string
	}{
		"of another server": {v1alpha1.Session{}, "isn't run by this server"},
		"waits":             {v1alpha1.Session{Status: waits}, "--max-running"},
		"waits, deleted":    {v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &now}, Status: waits}, "being deleted"},
		"can't be run":      {v1alpha1.Session{Status: refused}, "it can't be run: no such file"},
		"was run":           {v1alpha1.Session{Status: interrupted}, "isn't run by this server"},
		"done":              {v1alpha1.Session{Status: v1alpha1.SessionStatus{Done: true}}, "it's done"},
	} {
		if got := whyNotRun(&test.session); !strings.Contains(got.Error(), test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
