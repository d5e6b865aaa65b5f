// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// patience is how long a check waits for what must happen.
const patience = 30 * time.Second

var resource = schema.GroupVersionResource{Group: v1alpha1.GroupName, Version: v1alpha1.SchemeGroupVersion.Version, Resource: "sessions"}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// unique returns a name with that of the test, for a Session or as the value of a label.
func unique(t *testing.T) string {
	name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(t.Name()), "-"), "-")
	if most := 50; len(name) > most {
		name = strings.Trim(name[len(name)-most:], "-")
	}
	return name + "-" + rand.String(8)
}

// newSession returns a valid Session.
func newSession(name string) *v1alpha1.Session {
	return &v1alpha1.Session{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "Session"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.SessionSpec{TiltfilePath: "/conformance/Tiltfile", ExitCondition: v1alpha1.ExitConditionManual},
	}
}

// create stores a valid Session with a unique name, changed by edits, and removes it at the end of the test.
func (s *server) create(t *testing.T, edits ...func(*v1alpha1.Session)) *v1alpha1.Session {
	t.Helper()
	session := newSession(unique(t))
	for _, edit := range edits {
		edit(session)
	}
	created := s.do(t, http.MethodPost, sessionsPath, session).want(http.StatusCreated).session()
	s.remove(t, created.Name)
	return created
}

// remove deletes a Session at the end of the test, with its finalizers. It needn't exist.
func (s *server) remove(t *testing.T, name string) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		err := s.sessions.Delete(ctx, name, metav1.DeleteOptions{})
		if err == nil {
			_, err = s.sessions.Patch(ctx, name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		}
		if err != nil && !apierrors.IsNotFound(err) {
			t.Errorf("removing %s: %v", name, err)
		}
	})
}

// path returns the path of a Session.
func path(name string) string { return sessionsPath + "/" + name }

// statusPath returns the path of the status of a Session.
func statusPath(name string) string { return path(name) + "/status" }

// labelled returns an edit that sets a label, by which a check selects its Sessions.
func labelled(key, value string) func(*v1alpha1.Session) {
	return func(session *v1alpha1.Session) {
		if session.Labels == nil {
			session.Labels = map[string]string{}
		}
		session.Labels[key] = value
	}
}

// fullStatus returns a status with every field set, and each state of a target once.
func fullStatus() v1alpha1.SessionStatus {
	at := func(second int) metav1.MicroTime {
		return metav1.NewMicroTime(time.Date(2026, time.January, 2, 3, 4, second, 6000, time.UTC))
	}
	exitCode := int32(3)
	target := func(name string, kind v1alpha1.TargetType, state v1alpha1.TargetState) v1alpha1.Target {
		return v1alpha1.Target{Name: name, Type: kind, Resources: []string{"shop", name}, State: state}
	}
	return v1alpha1.SessionStatus{
		PID:       4242,
		StartTime: at(0),
		Done:      true,
		Error:     "lint:update failed\nexit status 3",
		Targets: []v1alpha1.Target{
			target("build:update", v1alpha1.TargetTypeJob, v1alpha1.TargetState{
				Waiting: &v1alpha1.TargetStateWaiting{WaitReason: "waiting-for-deps"}}),
			target("lint:update", v1alpha1.TargetTypeJob, v1alpha1.TargetState{
				Terminated: &v1alpha1.TargetStateTerminated{StartTime: at(1), FinishTime: at(2), Error: "exit status 3",
					GraceStatus: v1alpha1.TargetGraceExceeded, ExitCode: &exitCode}}),
			target("old:serve", v1alpha1.TargetTypeServer, v1alpha1.TargetState{Disabled: &v1alpha1.TargetStateDisabled{}}),
			target("stopped:serve", v1alpha1.TargetTypeServer, v1alpha1.TargetState{
				Terminated: &v1alpha1.TargetStateTerminated{StartTime: at(1), FinishTime: at(2), Error: "signal: killed", Signal: "killed"}}),
			target("web:serve", v1alpha1.TargetTypeServer, v1alpha1.TargetState{
				Active: &v1alpha1.TargetStateActive{StartTime: at(1), Ready: true, LastReadyTime: at(3)}}),
		},
		CI:         &v1alpha1.SessionCISpec{Timeout: &metav1.Duration{Duration: time.Minute}},
		Conditions: []metav1.Condition{condition("Failed", metav1.ConditionTrue, "TargetFailed")},
	}
}

func condition(kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	return metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: "as " + reason, ObservedGeneration: 1,
		LastTransitionTime: metav1.NewTime(time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)),
	}
}

// setStatus replaces the status of a Session.
func (s *server) setStatus(t *testing.T, name string, status v1alpha1.SessionStatus) *v1alpha1.Session {
	t.Helper()
	session := newSession(name)
	session.Status = status
	return s.do(t, http.MethodPut, statusPath(name), session).want(http.StatusOK).session()
}
