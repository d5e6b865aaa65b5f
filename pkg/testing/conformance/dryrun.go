// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

const dryRun = "?dryRun=All"

// checkDryRun: a dry run of each write is answered like the write, and changes nothing.
func checkDryRun(t *testing.T, s *server) {
	t.Run("Create", func(t *testing.T) {
		t.Parallel()
		session := newSession(unique(t))
		tried := s.do(t, http.MethodPost, sessionsPath+dryRun, session).want(http.StatusCreated).session()
		if tried.UID == "" || tried.Generation != 1 || tried.CreationTimestamp.IsZero() {
			t.Errorf("metadata = %+v", tried.ObjectMeta)
		}
		s.get(t, path(session.Name)).want(http.StatusNotFound)

		session.GenerateName, session.Name = session.Name, ""
		if tried := s.do(t, http.MethodPost, sessionsPath+dryRun, session).want(http.StatusCreated).session(); tried.Name == "" {
			t.Error("no name is generated")
		}
		existing := s.create(t)
		s.do(t, http.MethodPost, sessionsPath+dryRun, newSession(existing.Name)).failure(http.StatusConflict, metav1.StatusReasonAlreadyExists)
		session.Spec.ExitCondition = "never"
		s.do(t, http.MethodPost, sessionsPath+dryRun, session).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	})

	t.Run("Update", func(t *testing.T) {
		t.Parallel()
		session := s.create(t)
		changed := session.DeepCopy()
		changed.Spec.TiltfilePath = "/tried"
		tried := s.do(t, http.MethodPut, path(session.Name)+dryRun, changed).want(http.StatusOK).session()
		if tried.Spec.TiltfilePath != "/tried" || tried.Generation != 2 {
			t.Errorf("tried = %+v", tried)
		}
		changed.Status = fullStatus()
		tried = s.do(t, http.MethodPut, statusPath(session.Name)+dryRun, changed).want(http.StatusOK).session()
		if diff := cmp.Diff(changed.Status, tried.Status); diff != "" {
			t.Errorf("tried status (-want +got):\n%s", diff)
		}
		s.quiet(t, session)

		// By now it isn't the latest version.
		s.do(t, http.MethodPut, path(session.Name)+dryRun, changed).failure(http.StatusConflict, metav1.StatusReasonConflict)
		s.do(t, http.MethodPut, statusPath(session.Name)+dryRun, changed).failure(http.StatusConflict, metav1.StatusReasonConflict)
		changed.ResourceVersion, changed.Spec.TiltfilePath = "", ""
		s.do(t, http.MethodPut, path(session.Name)+dryRun, changed).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
		s.do(t, http.MethodPut, path(unique(t))+dryRun, newSession("")).want(http.StatusBadRequest)
		missing := unique(t)
		s.do(t, http.MethodPut, path(missing)+dryRun, newSession(missing)).failure(http.StatusNotFound, metav1.StatusReasonNotFound)
	})

	t.Run("Patch", func(t *testing.T) {
		t.Parallel()
		session := s.create(t)
		for content, body := range map[string]string{
			contentMerge:     `{"spec":{"tiltfilePath":"/tried"}}`,
			contentStrategic: `{"spec":{"tiltfilePath":"/tried"}}`,
			contentJSONPatch: `[{"op":"replace","path":"/spec/tiltfilePath","value":"/tried"}]`,
		} {
			tried := s.do(t, http.MethodPatch, path(session.Name)+dryRun, body, content).want(http.StatusOK).session()
			if tried.Spec.TiltfilePath != "/tried" {
				t.Errorf("%s: tried = %+v", content, tried)
			}
		}
		tried := s.do(t, http.MethodPatch, statusPath(session.Name)+dryRun, `{"status":{"pid":7}}`, contentMerge).want(http.StatusOK).session()
		if tried.Status.PID != 7 {
			t.Errorf("tried = %+v", tried)
		}
		s.do(t, http.MethodPatch, path(session.Name)+dryRun, `{"spec":{"tiltfilePath":""}}`, contentMerge).
			failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
		s.do(t, http.MethodPatch, path(session.Name)+dryRun, `{"metadata":{"resourceVersion":"1"}}`, contentMerge).
			failure(http.StatusConflict, metav1.StatusReasonConflict)
		s.quiet(t, session)
	})

	t.Run("Apply", func(t *testing.T) {
		t.Parallel()
		name := unique(t)
		tried := s.do(t, http.MethodPatch, path(name)+dryRun+"&fieldManager=me", applied(name, "/tried"), contentApply).want(http.StatusCreated).session()
		if tried.Spec.TiltfilePath != "/tried" {
			t.Errorf("tried = %+v", tried)
		}
		s.get(t, path(name)).want(http.StatusNotFound)
		session := s.create(t)
		s.do(t, http.MethodPatch, path(session.Name)+dryRun+"&fieldManager=me", applied(session.Name, "/tried"), contentApply).
			failure(http.StatusConflict, metav1.StatusReasonConflict)
		s.do(t, http.MethodPatch, path(session.Name)+dryRun+"&fieldManager=me&force=true", applied(session.Name, "/tried"), contentApply).want(http.StatusOK)
		s.quiet(t, session)
	})

	t.Run("Delete", func(t *testing.T) {
		t.Parallel()
		session := s.create(t)
		s.do(t, http.MethodDelete, path(session.Name)+dryRun, nil).want(http.StatusOK)
		s.do(t, http.MethodDelete, path(session.Name), `{"kind":"DeleteOptions","apiVersion":"v1","dryRun":["All"]}`).want(http.StatusOK)
		s.do(t, http.MethodDelete, path(session.Name)+dryRun, `{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"other"}}`).want(http.StatusConflict)
		s.do(t, http.MethodDelete, path(unique(t))+dryRun, nil).failure(http.StatusNotFound, metav1.StatusReasonNotFound)
		s.quiet(t, session)
		held := s.create(t, func(session *v1alpha1.Session) { session.Finalizers = []string{"tilt.dev/conformance"} })
		s.do(t, http.MethodDelete, path(held.Name)+dryRun, nil).want(http.StatusOK)
		s.quiet(t, held)
	})

	t.Run("DeleteCollection", func(t *testing.T) {
		t.Parallel()
		label := unique(t)
		session := s.create(t, labelled("list", label))
		s.do(t, http.MethodDelete, sessionsPath+dryRun+"&labelSelector=list="+label, nil).want(http.StatusOK)
		s.quiet(t, session)
	})

	t.Run("UnknownMode", func(t *testing.T) {
		t.Parallel()
		session := s.create(t)
		s.do(t, http.MethodPost, sessionsPath+"?dryRun=Some", newSession(unique(t))).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
		s.do(t, http.MethodPut, path(session.Name)+"?dryRun=Some", session).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
		s.do(t, http.MethodDelete, path(session.Name)+"?dryRun=Some", nil).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
		s.quiet(t, session)
	})
}

// applied is a Session as an applier writes it.
func applied(name, tiltfile string) string {
	return `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"` + name + `"},
		"spec":{"tiltfilePath":"` + tiltfile + `","exitCondition":"manual"}}`
}
