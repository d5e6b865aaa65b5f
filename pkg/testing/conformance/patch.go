// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// checkPatch checks the kinds of patches other than server-side apply.
func checkPatch(t *testing.T, s *server) {
	t.Run("JSON", func(t *testing.T) { t.Parallel(); jsonPatch(t, s) })
	t.Run("Merge", func(t *testing.T) { t.Parallel(); mergePatch(t, s) })
	t.Run("Strategic", func(t *testing.T) { t.Parallel(); strategicPatch(t, s) })
	t.Run("Limits", func(t *testing.T) { t.Parallel(); patchLimits(t, s) })
	t.Run("Refused", func(t *testing.T) { t.Parallel(); refusedPatches(t, s) })
}

func (s *server) patch(t *testing.T, at, body, content string) *answer {
	t.Helper()
	return s.do(t, http.MethodPatch, at, body, content)
}

func jsonPatch(t *testing.T, s *server) {
	session := s.create(t, labelled("a", "b"), labelled("x.y/z", "slash"))
	patched := s.patch(t, path(session.Name), `[
		{"op":"test","path":"/spec/exitCondition","value":"manual"},
		{"op":"replace","path":"/spec/exitCondition","value":"ci"},
		{"op":"add","path":"/spec/ci","value":{"timeout":"1m0s"}},
		{"op":"copy","from":"/metadata/labels/a","path":"/metadata/labels/c"},
		{"op":"move","from":"/metadata/labels/a","path":"/metadata/labels/d"},
		{"op":"remove","path":"/metadata/labels/x.y~1z"}]`, contentJSONPatch).want(http.StatusOK).session()
	if diff := cmp.Diff(map[string]string{"c": "b", "d": "b"}, patched.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if patched.Spec.ExitCondition != v1alpha1.ExitConditionCI || patched.Spec.CI == nil || patched.Spec.CI.Timeout.Seconds() != 60 {
		t.Errorf("spec = %+v", patched.Spec)
	}

	for what, body := range map[string]string{
		"a failed test":      `[{"op":"replace","path":"/spec/tiltfilePath","value":"/no"},{"op":"test","path":"/spec/exitCondition","value":"manual"}]`,
		"a missing path":     `[{"op":"replace","path":"/spec/tiltfilePath","value":"/no"},{"op":"remove","path":"/metadata/labels/none"}]`,
		"an invalid result":  `[{"op":"replace","path":"/spec/tiltfilePath","value":""}]`,
		"a missing source":   `[{"op":"move","from":"/spec/none","path":"/spec/tiltfilePath"}]`,
		"a stale version":    `[{"op":"test","path":"/metadata/resourceVersion","value":"1"},{"op":"replace","path":"/spec/tiltfilePath","value":"/no"}]`,
		"an absent test":     `[{"op":"test","path":"/spec/none","value":1}]`,
		"an index of no one": `[{"op":"remove","path":"/status/targets/0"}]`,
	} {
		if answer := s.patch(t, path(session.Name), body, contentJSONPatch); answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", what, answer.StatusCode, answer.body)
		}
	}
	s.quiet(t, patched)

	s.setStatus(t, session.Name, fullStatus())
	written := s.patch(t, statusPath(session.Name), `[{"op":"remove","path":"/status/targets/0"},{"op":"replace","path":"/status/targets/0/state","value":{}}]`,
		contentJSONPatch).want(http.StatusOK).session()
	if targets := written.Status.Targets; len(targets) != 4 || targets[0].Name != "lint:update" || targets[0].State.Terminated != nil {
		t.Errorf("targets = %+v", targets)
	}
}

func mergePatch(t *testing.T, s *server) {
	session := s.create(t, labelled("a", "b"), labelled("c", "d"))
	patched := s.patch(t, path(session.Name), `{"metadata":{"labels":{"a":null,"e":"f"}},"spec":{"ci":{"timeout":"60s"}}}`, contentMerge).want(http.StatusOK).session()
	if diff := cmp.Diff(map[string]string{"c": "d", "e": "f"}, patched.Labels); diff != "" || patched.Spec.TiltfilePath != session.Spec.TiltfilePath {
		t.Errorf("spec %+v, labels (-want +got):\n%s", patched.Spec, diff)
	}
	s.patch(t, path(session.Name), `{"spec":{"tiltfilePath":null}}`, contentMerge).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	s.quiet(t, patched)
	if got := s.patch(t, path(session.Name), `{"spec":{"ci":null}}`, contentMerge).want(http.StatusOK).session(); got.Spec.CI != nil {
		t.Errorf("spec = %+v", got.Spec)
	}

	// Lists are replaced, whatever their type.
	s.setStatus(t, session.Name, fullStatus())
	written := s.patch(t, statusPath(session.Name), `{"status":{"error":null,"targets":[{"name":"one:update","type":"job","resources":[],"state":{}}],
		"conditions":[{"type":"Ready","status":"True","reason":"Ready","message":"","lastTransitionTime":"2026-01-02T03:04:05Z"}]}}`, contentMerge).want(http.StatusOK).session()
	if status := written.Status; len(status.Targets) != 1 || len(status.Conditions) != 1 || status.Conditions[0].Type != "Ready" || status.Error != "" || status.PID != 4242 {
		t.Errorf("status = %+v", status)
	}
	if got := s.patch(t, statusPath(session.Name), `{"status":{"targets":null}}`, contentMerge).want(http.StatusOK); !strings.Contains(string(got.body), `"targets":[]`) {
		t.Errorf("targets that are removed: %s", got.body)
	}
}

// strategicPatch checks the patches that "kubectl edit" and "kubectl label" send: the
// Go types define which lists are merged by which key.
func strategicPatch(t *testing.T, s *server) {
	session := s.create(t, labelled("a", "b"), func(session *v1alpha1.Session) { session.Finalizers = []string{"tilt.dev/one"} })
	patched := s.patch(t, path(session.Name), `{"metadata":{"labels":{"a":null,"e":"f"},"finalizers":["tilt.dev/two"]},"spec":{"tiltfilePath":"/b"}}`, contentStrategic).
		want(http.StatusOK).session()
	if diff := cmp.Diff(map[string]string{"e": "f"}, patched.Labels); diff != "" || len(patched.Finalizers) != 2 || patched.Spec.TiltfilePath != "/b" {
		t.Errorf("patched = %+v, labels (-want +got):\n%s", patched, diff)
	}
	patched = s.patch(t, path(session.Name), `{"metadata":{"$deleteFromPrimitiveList/finalizers":["tilt.dev/one"]}}`, contentStrategic).want(http.StatusOK).session()
	if diff := cmp.Diff([]string{"tilt.dev/two"}, patched.Finalizers); diff != "" {
		t.Errorf("finalizers (-want +got):\n%s", diff)
	}
	patched = s.patch(t, path(session.Name), `{"metadata":{"labels":{"$patch":"replace","g":"h"}}}`, contentStrategic).want(http.StatusOK).session()
	if diff := cmp.Diff(map[string]string{"g": "h"}, patched.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}

	s.setStatus(t, session.Name, fullStatus())
	written := s.patch(t, statusPath(session.Name), `{"status":{
		"targets":[{"name":"one:update","type":"job","resources":[],"state":{}}],
		"conditions":[{"type":"Ready","status":"False","reason":"NotReady","message":"","lastTransitionTime":"2026-01-02T03:04:05Z"},{"type":"Failed","message":"patched"}]}}`,
		contentStrategic).want(http.StatusOK).session()
	conditions := map[string]string{}
	for _, condition := range written.Status.Conditions {
		conditions[condition.Type] = condition.Reason + " " + condition.Message
	}
	if diff := cmp.Diff(map[string]string{"Ready": "NotReady ", "Failed": "TargetFailed patched"}, conditions); diff != "" || len(written.Status.Targets) != 1 {
		t.Errorf("targets %v, conditions (-want +got):\n%s", written.Status.Targets, diff)
	}
	written = s.patch(t, statusPath(session.Name), `{"status":{"conditions":[{"type":"Failed","$patch":"delete"}]}}`, contentStrategic).want(http.StatusOK).session()
	if got := written.Status.Conditions; len(got) != 1 || got[0].Type != "Ready" {
		t.Errorf("conditions = %+v", got)
	}
}

// patchLimits: limits bound the work of a small request.
func patchLimits(t *testing.T, s *server) {
	session := s.create(t, labelled("a", "b"))
	operations := func(n int, operation string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(operation+",", n), ",") + "]"
	}
	replace := `{"op":"replace","path":"/metadata/labels/a","value":"b"}`
	s.patch(t, path(session.Name), operations(10000, replace), contentJSONPatch).want(http.StatusOK)
	status := s.patch(t, path(session.Name), operations(10001, replace), contentJSONPatch).
		failure(http.StatusRequestEntityTooLarge, metav1.StatusReasonRequestEntityTooLarge)
	if !strings.Contains(status.Message, "10000") {
		t.Errorf("the limit isn't named: %s", status.Message)
	}
	grow := `{"op":"copy","from":"/metadata/annotations","path":"/metadata/annotations/x"}`
	double := `[{"op":"add","path":"/metadata/annotations","value":{"x":{"a":"` + strings.Repeat("a", 1<<10) + `"}}},` + strings.TrimPrefix(operations(40, grow), "[")
	if answer := s.patch(t, path(session.Name), double, contentJSONPatch); answer.StatusCode < 400 || answer.StatusCode >= 500 {
		t.Errorf("copies that double each time: %d %s", answer.StatusCode, cut(answer.body))
	}
	s.quiet(t, session)
}

func refusedPatches(t *testing.T, s *server) {
	session := s.create(t)
	at := path(session.Name)
	for _, content := range []string{"Content-Type: application/json", contentYAML, "Content-Type: text/plain"} {
		s.patch(t, at, `{}`, content).failure(http.StatusUnsupportedMediaType, metav1.StatusReasonUnsupportedMediaType)
	}
	for what, patch := range map[string]struct{ content, body string }{
		"not JSON":                {contentMerge, `{`},
		"not an object":           {contentMerge, `[]`},
		"a list of operations":    {contentStrategic, `[{"op":"add"}]`},
		"an object of operations": {contentJSONPatch, `{}`},
		"an unknown operation":    {contentJSONPatch, `[{"op":"grow","path":"/spec"}]`},
		"a path that isn't one":   {contentJSONPatch, `[{"op":"add","path":"spec","value":{}}]`},
		"another type of a field": {contentMerge, `{"spec":{"tiltfilePath":{}}}`},
		"another kind":            {contentMerge, `{"kind":"Other"}`},
		"another name":            {contentMerge, `{"metadata":{"name":"other"}}`},
		"another uid":             {contentMerge, `{"metadata":{"uid":"other"}}`},
		"no name of a manager":    {contentApply, applied(session.Name, "/a")},
	} {
		if answer := s.patch(t, at, patch.body, patch.content); answer.StatusCode < 400 || answer.StatusCode >= 500 {
			t.Errorf("%s: %d %s", what, answer.StatusCode, cut(answer.body))
		}
	}
	missing := unique(t)
	s.patch(t, path(missing), `{}`, contentMerge).failure(http.StatusNotFound, metav1.StatusReasonNotFound)
	s.patch(t, at+"?force=true", `{}`, contentMerge).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	s.quiet(t, session)
}
