// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// checkCreate checks POST.
func checkCreate(t *testing.T, s *server) {
	t.Run("Answer", func(t *testing.T) {
		t.Parallel()
		before := time.Now().Add(-time.Minute)
		session := s.create(t, labelled("a", "b"))
		if session.UID == "" || session.ResourceVersion == "" || session.Generation != 1 || session.CreationTimestamp.Time.Before(before) {
			t.Errorf("metadata = %+v", session.ObjectMeta)
		}
		if diff := cmp.Diff(newSession("").Spec, session.Spec); diff != "" || session.Labels["a"] != "b" {
			t.Errorf("labels %v, spec (-want +got):\n%s", session.Labels, diff)
		}
		if diff := cmp.Diff(session, s.read(t, session.Name)); diff != "" {
			t.Errorf("answered and stored differ:\n%s", diff)
		}
	})

	t.Run("AlreadyExists", func(t *testing.T) {
		t.Parallel()
		session := s.create(t)
		status := s.do(t, http.MethodPost, sessionsPath, newSession(session.Name)).failure(http.StatusConflict, metav1.StatusReasonAlreadyExists)
		if diff := cmp.Diff(&metav1.StatusDetails{Name: session.Name, Group: "tilt.dev", Kind: "sessions"}, status.Details); diff != "" {
			t.Errorf("details (-want +got):\n%s", diff)
		}
		s.quiet(t, session)
	})

	t.Run("GenerateName", func(t *testing.T) {
		t.Parallel()
		prefix := unique(t) + "-"
		seen := map[string]bool{}
		for range 3 {
			session := s.create(t, func(session *v1alpha1.Session) { session.Name, session.GenerateName = "", prefix })
			if suffix, ok := strings.CutPrefix(session.Name, prefix); !ok || len(suffix) < 5 || seen[suffix] || session.GenerateName != prefix {
				t.Errorf("name = %q, generated from %q", session.Name, session.GenerateName)
			}
			seen[session.Name] = true
		}
		named := s.create(t, func(session *v1alpha1.Session) { session.GenerateName = prefix })
		if strings.HasPrefix(named.Name, prefix) {
			t.Errorf("a given name is replaced: %s", named.Name)
		}
	})

	t.Run("Names", func(t *testing.T) {
		t.Parallel()
		for _, name := range []string{"Upper_and.dots~" + unique(t), strings.Repeat("n", 200) + unique(t)} {
			s.create(t, func(session *v1alpha1.Session) { session.Name = name })
		}
		for _, name := range []string{".", "..", "a/b", "a%b"} {
			s.do(t, http.MethodPost, sessionsPath, newSession(name)).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
		}
	})

	t.Run("ServerOwnedFields", func(t *testing.T) {
		t.Parallel()
		old := metav1.NewTime(time.Date(2001, time.January, 1, 0, 0, 0, 0, time.UTC))
		grace := int64(30)
		session := s.create(t, func(session *v1alpha1.Session) {
			session.UID, session.Generation = "mine", 7
			session.CreationTimestamp, session.DeletionTimestamp, session.DeletionGracePeriodSeconds = old, &old, &grace
			session.Status = fullStatus()
		})
		if session.UID == "mine" || session.Generation != 1 || session.CreationTimestamp.Equal(&old) ||
			session.DeletionTimestamp != nil || session.DeletionGracePeriodSeconds != nil {
			t.Errorf("metadata = %+v", session.ObjectMeta)
		}
		if diff := cmp.Diff(v1alpha1.SessionStatus{Targets: []v1alpha1.Target{}}, session.Status); diff != "" {
			t.Errorf("status of a new Session (-want +got):\n%s", diff)
		}
	})

	t.Run("ResourceVersion", func(t *testing.T) {
		t.Parallel()
		session := newSession(unique(t))
		session.ResourceVersion = "5"
		answer := s.do(t, http.MethodPost, sessionsPath, session)
		if answer.StatusCode < 400 || !strings.Contains(string(answer.body), "resourceVersion") {
			t.Errorf("%d %s", answer.StatusCode, answer.body)
		}
		s.get(t, path(session.Name)).want(http.StatusNotFound)
	})

	t.Run("Invalid", func(t *testing.T) { t.Parallel(); createInvalid(t, s) })
	t.Run("Malformed", func(t *testing.T) { t.Parallel(); createMalformed(t, s) })

	t.Run("WithoutType", func(t *testing.T) {
		t.Parallel()
		name := unique(t)
		s.remove(t, name)
		s.do(t, http.MethodPost, sessionsPath, `{"metadata":{"name":"`+name+`"},"spec":{"tiltfilePath":"/a","exitCondition":"ci"}}`).
			want(http.StatusCreated).session()
	})
}

// createInvalid: one response reports all invalid fields.
func createInvalid(t *testing.T, s *server) {
	name := unique(t)
	body := `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"` + name + `","labels":{"ok":"not ok"},"finalizers":["not/a/name"]},
		"spec":{"tiltfilePath":"","exitCondition":"sometimes","ci":{"timeout":"-1s","readinessTimeout":"-2s","k8sGracePeriod":"-3s"},
		"ttlSecondsAfterFinished":-1,"args":["` + strings.Repeat("a", 256<<10) + `","b"]}}`
	status := s.do(t, http.MethodPost, sessionsPath, body).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	causes := status.Details.Causes
	for i := range causes {
		if causes[i].Field == "spec.exitCondition" && (!strings.Contains(causes[i].Message, "manual") || !strings.Contains(causes[i].Message, "ci")) {
			t.Errorf("the values aren't named: %s", causes[i].Message)
		}
		if causes[i].Message == "" {
			t.Errorf("%s: no message", causes[i].Field)
		}
		causes[i].Message = ""
	}
	want := &metav1.StatusDetails{Name: name, Group: "tilt.dev", Kind: "Session", Causes: []metav1.StatusCause{
		{Type: metav1.CauseTypeFieldValueInvalid, Field: "metadata.finalizers"},
		{Type: metav1.CauseTypeFieldValueInvalid, Field: "metadata.labels"},
		{Type: metav1.CauseTypeTooLong, Field: "spec.args"},
		{Type: metav1.CauseTypeFieldValueInvalid, Field: "spec.ci.k8sGracePeriod"},
		{Type: metav1.CauseTypeFieldValueInvalid, Field: "spec.ci.readinessTimeout"},
		{Type: metav1.CauseTypeFieldValueInvalid, Field: "spec.ci.timeout"},
		{Type: metav1.CauseTypeFieldValueNotSupported, Field: "spec.exitCondition"},
		{Type: metav1.CauseTypeFieldValueRequired, Field: "spec.tiltfilePath"},
		{Type: metav1.CauseTypeFieldValueInvalid, Field: "spec.ttlSecondsAfterFinished"},
	}}
	byField := cmpopts.SortSlices(func(a, b metav1.StatusCause) bool { return a.Field < b.Field })
	if diff := cmp.Diff(want, status.Details, byField); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
	s.get(t, path(name)).want(http.StatusNotFound)

	for field, body := range map[string]string{
		"metadata.name":      `{"spec":{"tiltfilePath":"/a","exitCondition":"ci"}}`,
		"spec.exitCondition": `{"metadata":{"name":"` + name + `"},"spec":{"tiltfilePath":"/a"}}`,
		"spec.tiltfilePath":  `{"metadata":{"name":"` + name + `"},"spec":{"exitCondition":"ci"}}`,
	} {
		status := s.do(t, http.MethodPost, sessionsPath, body).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
		if len(status.Details.Causes) != 1 || status.Details.Causes[0].Field != field || status.Details.Causes[0].Type != metav1.CauseTypeFieldValueRequired {
			t.Errorf("without %s: %+v", field, status.Details.Causes)
		}
	}
}

// createMalformed checks bodies that aren't Sessions, or aren't of the request's.
func createMalformed(t *testing.T, s *server) {
	name := unique(t)
	good := `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"` + name + `"},"spec":{"tiltfilePath":"/a","exitCondition":"ci"}}`
	for what, body := range map[string]string{
		"kind":            strings.Replace(good, `"Session"`, `"Other"`, 1),
		"list":            strings.Replace(good, `"Session"`, `"SessionList"`, 1),
		"version":         strings.Replace(good, "v1alpha1", "v9", 1),
		"group":           strings.Replace(good, "tilt.dev", "other.dev", 1),
		"type of a field": strings.Replace(good, `"/a"`, `5`, 1),
		"duration":        strings.Replace(good, `"ci"}`, `"ci","ci":{"timeout":"soon"}}`, 1),
		"time":            strings.Replace(good, `"name"`, `"creationTimestamp":"yesterday","name"`, 1),
		"empty":           "",
		"half":            good[:len(good)/2],
		"array":           "[" + good + "]",
	} {
		t.Run(what, func(t *testing.T) {
			s.do(t, http.MethodPost, sessionsPath, body).failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
		})
	}
	s.get(t, path(name)).want(http.StatusNotFound)
	session := s.create(t)
	s.do(t, http.MethodPut, path(session.Name), newSession(name)).failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
	s.do(t, http.MethodPut, path(session.Name), strings.Replace(good, `"Session"`, `"Other"`, 1)).failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
}
