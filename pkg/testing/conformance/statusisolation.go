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

// checkStatusIsolation checks which fields a write can change, and when generation and resourceVersion change.
func checkStatusIsolation(t *testing.T, s *server) {
	t.Run("MainIgnoresStatus", func(t *testing.T) { t.Parallel(); mainIgnoresStatus(t, s) })
	t.Run("StatusIgnoresTheRest", func(t *testing.T) { t.Parallel(); statusIgnoresTheRest(t, s) })
	t.Run("Generation", func(t *testing.T) { t.Parallel(); generationMoves(t, s) })
	t.Run("NothingChanged", func(t *testing.T) { t.Parallel(); nothingChanged(t, s) })
	t.Run("InvalidStatus", func(t *testing.T) { t.Parallel(); invalidStatus(t, s) })
	t.Run("MissingSession", func(t *testing.T) {
		t.Parallel()
		name := unique(t)
		s.do(t, http.MethodPut, statusPath(name), newSession(name)).failure(http.StatusNotFound, metav1.StatusReasonNotFound)
		s.do(t, http.MethodPatch, statusPath(name), `{}`, contentMerge).failure(http.StatusNotFound, metav1.StatusReasonNotFound)
		s.do(t, http.MethodPatch, statusPath(name)+"?fieldManager=me", applied(name, "/a"), contentApply).failure(http.StatusNotFound, metav1.StatusReasonNotFound)
		s.do(t, http.MethodPut, path(name), newSession(name)).failure(http.StatusNotFound, metav1.StatusReasonNotFound)
	})
}

func mainIgnoresStatus(t *testing.T, s *server) {
	name := s.create(t).Name
	want := s.setStatus(t, name, fullStatus()).Status
	other := newSession(name)
	other.Spec.TiltfilePath, other.Status = "/put", v1alpha1.SessionStatus{PID: 1, Error: "mine"}
	s.do(t, http.MethodPut, path(name), other).want(http.StatusOK)
	for content, body := range map[string]string{
		contentMerge:     `{"spec":{"tiltfilePath":"/merged"},"status":{"pid":1,"targets":null,"conditions":null}}`,
		contentStrategic: `{"spec":{"tiltfilePath":"/merged"},"status":{"pid":1,"conditions":[{"type":"Failed","status":"False"}]}}`,
		contentJSONPatch: `[{"op":"replace","path":"/spec/tiltfilePath","value":"/patched"},{"op":"remove","path":"/status/targets"}]`,
	} {
		s.do(t, http.MethodPatch, path(name), body, content).want(http.StatusOK)
		if diff := cmp.Diff(want, s.read(t, name).Status); diff != "" {
			t.Errorf("%s has written the status (-want +got):\n%s", content, diff)
		}
	}
	if invalid := `{"status":{"pid":-1}}`; s.do(t, http.MethodPatch, path(name), invalid, contentMerge).StatusCode != http.StatusOK {
		t.Error("a status that is ignored is validated")
	}
}

func statusIgnoresTheRest(t *testing.T, s *server) {
	session := s.create(t, labelled("a", "b"))
	change := func(other *v1alpha1.Session) {
		other.Labels, other.Annotations = map[string]string{"c": "d"}, map[string]string{"e": "f"}
		other.Finalizers = []string{"tilt.dev/conformance"}
		other.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: "e", UID: "f"}}
		other.Spec = v1alpha1.SessionSpec{TiltfilePath: "", ExitCondition: "never"}
	}
	other := session.DeepCopy()
	change(other)
	other.Status.PID = 7
	s.do(t, http.MethodPut, statusPath(session.Name), other).want(http.StatusOK)
	for content, body := range map[string]string{
		contentMerge:     `{"metadata":{"labels":null,"annotations":{"e":"f"}},"spec":{"tiltfilePath":"/b"},"status":{"pid":8}}`,
		contentStrategic: `{"metadata":{"finalizers":["tilt.dev/conformance"]},"spec":null,"status":{"pid":9}}`,
		contentJSONPatch: `[{"op":"remove","path":"/metadata/labels"},{"op":"remove","path":"/spec"},{"op":"replace","path":"/status/pid","value":10}]`,
	} {
		written := s.do(t, http.MethodPatch, statusPath(session.Name), body, content).want(http.StatusOK).session()
		if written.Status.PID < 8 {
			t.Errorf("%s: status = %+v", content, written.Status)
		}
	}
	want, got := session.DeepCopy(), s.read(t, session.Name)
	want.ResourceVersion, want.ManagedFields, want.Status = got.ResourceVersion, got.ManagedFields, got.Status
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the status endpoint has written more than the status (-want +got):\n%s", diff)
	}
}

func generationMoves(t *testing.T, s *server) {
	session := s.create(t)
	for _, step := range []struct {
		what, at, body string
		want           int64
	}{
		{"spec", path(session.Name), `{"spec":{"tiltfilePath":"/b"}}`, 2},
		{"labels", path(session.Name), `{"metadata":{"labels":{"a":"b"}}}`, 2},
		{"annotations", path(session.Name), `{"metadata":{"annotations":{"a":"b"}}}`, 2},
		{"finalizers", path(session.Name), `{"metadata":{"finalizers":["tilt.dev/conformance"]}}`, 2},
		{"status", statusPath(session.Name), `{"status":{"pid":7}}`, 2},
		{"itself", path(session.Name), `{"metadata":{"generation":99}}`, 2},
		{"the same spec", path(session.Name), `{"spec":{"tiltfilePath":"/b"}}`, 2},
		{"limits", path(session.Name), `{"spec":{"ci":{"timeout":"1m"}}}`, 3},
		{"the same limits in other words", path(session.Name), `{"spec":{"ci":{"timeout":"60s"}}}`, 3},
	} {
		if got := s.do(t, http.MethodPatch, step.at, step.body, contentMerge).want(http.StatusOK).session().Generation; got != step.want {
			t.Errorf("after a change of %s: generation %d instead of %d", step.what, got, step.want)
		}
	}
	deleted := s.do(t, http.MethodDelete, path(session.Name), nil).want(http.StatusOK).session()
	if deleted.Generation != 4 || deleted.DeletionTimestamp == nil {
		t.Errorf("after a deletion that waits: generation %d", deleted.Generation)
	}
}

// nothingChanged: a write without a change isn't stored.
func nothingChanged(t *testing.T, s *server) {
	name := s.create(t).Name
	session := s.setStatus(t, name, fullStatus())
	for _, at := range []string{path(name), statusPath(name)} {
		s.do(t, http.MethodPut, at, session).want(http.StatusOK)
		unversioned := session.DeepCopy()
		unversioned.ResourceVersion = ""
		s.do(t, http.MethodPut, at, unversioned).want(http.StatusOK)
		for content, body := range map[string]string{
			contentMerge:     `{}`,
			contentStrategic: `{"spec":{"exitCondition":"manual"},"status":{"pid":4242}}`,
			contentJSONPatch: `[{"op":"test","path":"/spec/exitCondition","value":"manual"}]`,
		} {
			s.do(t, http.MethodPatch, at, body, content).want(http.StatusOK)
		}
	}
	s.quiet(t, session)
}

func invalidStatus(t *testing.T, s *server) {
	session := s.create(t)
	status := s.do(t, http.MethodPut, statusPath(session.Name), `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"`+session.Name+`"},
		"status":{"pid":0,"startTime":null,"done":false,"targets":[
			{"name":"","type":"daemon","resources":[],"state":{}},
			{"name":"t","type":"job","resources":[],"state":{"waiting":{"waitReason":""},"active":{"startTime":null,"ready":false}}}],
		"conditions":[{"type":"","status":"Perhaps","reason":"","message":"","lastTransitionTime":null}]}}`).
		failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	got := map[string]bool{}
	for _, cause := range status.Details.Causes {
		got[cause.Field] = true
	}
	for _, field := range []string{"status.targets[0].name", "status.targets[0].type", "status.targets[1].state",
		"status.conditions[0].type", "status.conditions[0].status", "status.conditions[0].reason", "status.conditions[0].lastTransitionTime"} {
		if !got[field] {
			t.Errorf("%s isn't among the causes %v", field, got)
		}
	}
	s.quiet(t, session)
}
