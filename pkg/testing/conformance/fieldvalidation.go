// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// write is a request with each kind of mistake that fieldValidation covers.
type write struct {
	what, method string
	// body is called with the name of an existing Session, except for a POST.
	body    func(name string) string
	content string
	// reported is in the errors and warnings.
	reported []string
}

// checkFieldValidation checks requests with fields that are unknown or present twice.
func checkFieldValidation(t *testing.T, s *server) {
	for _, write := range writesWithMistakes() {
		t.Run(write.what, func(t *testing.T) { t.Parallel(); write.check(t, s) })
	}
	t.Run("Apply", func(t *testing.T) { t.Parallel(); applyWithMistakes(t, s) })
	t.Run("Status", func(t *testing.T) {
		t.Parallel()
		session := s.create(t)
		s.do(t, http.MethodPatch, statusPath(session.Name)+"?fieldValidation=Strict", `{"status":{"unknown":1}}`, contentMerge).want(http.StatusUnprocessableEntity)
		answer := s.do(t, http.MethodPatch, statusPath(session.Name), `{"status":{"unknown":1}}`, contentMerge).want(http.StatusOK)
		if got := answer.Header.Values("Warning"); !slices.Equal(got, []string{`299 - "unknown field \"status.unknown\""`}) {
			t.Errorf("warnings = %q", got)
		}
		s.quiet(t, session)
	})
	t.Run("UnknownMode", func(t *testing.T) {
		t.Parallel()
		s.do(t, http.MethodPost, sessionsPath+"?fieldValidation=Sometimes", newSession(unique(t))).
			failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	})
}

func writesWithMistakes() []write {
	jsonBody := func(name string) string {
		return `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"` + name + `","unknown":1},
			"spec":{"tiltfilePath":"/a","tiltfilePath":"/b","exitCondition":"ci","unknown":{}},"unknown":[]}`
	}
	yamlBody := func(name string) string {
		return "apiVersion: tilt.dev/v1alpha1\nkind: Session\nmetadata:\n  name: " + name + "\n  unknown: 1\nspec:\n" +
			"  tiltfilePath: /a\n  tiltfilePath: /b\n  exitCondition: ci\n  unknown: {}\nunknown: []\n"
	}
	patchBody := func(string) string {
		return `{"metadata":{"unknown":1},"spec":{"tiltfilePath":"/a","tiltfilePath":"/b","unknown":{}},"unknown":[]}`
	}
	unknown := []string{`unknown field \"unknown\"`, `unknown field \"metadata.unknown\"`, `unknown field \"spec.unknown\"`}
	inJSON := append(slices.Clone(unknown), `duplicate field \"spec.tiltfilePath\"`)
	inYAML := append(slices.Clone(unknown), `key \"tiltfilePath\" already set in map`)
	const json = "Content-Type: application/json"
	return []write{
		{"PostJSON", http.MethodPost, jsonBody, json, inJSON},
		{"PostYAML", http.MethodPost, yamlBody, contentYAML, inYAML},
		{"PutJSON", http.MethodPut, jsonBody, json, inJSON},
		{"PutYAML", http.MethodPut, yamlBody, contentYAML, inYAML},
		{"MergePatch", http.MethodPatch, patchBody, contentMerge, inJSON},
		{"StrategicMergePatch", http.MethodPatch, patchBody, contentStrategic, inJSON},
		{"JSONPatch", http.MethodPatch, func(string) string {
			return `[{"op":"add","path":"/spec/unknown","value":1},{"op":"add","path":"/unknown","value":1},
				{"op":"replace","path":"/spec/tiltfilePath","value":"/a","value":"/b"},{"op":"add","path":"/metadata/unknown","value":1,"extra":1}]`
		}, contentJSONPatch, append(slices.Clone(unknown), "value", "extra")},
	}
}

func (w write) check(t *testing.T, s *server) {
	session := s.create(t)
	send := func(mode string) *answer {
		if w.method != http.MethodPost {
			return s.do(t, w.method, path(session.Name)+"?fieldValidation="+mode, w.body(session.Name), w.content)
		}
		name := unique(t)
		s.remove(t, name)
		return s.do(t, w.method, sessionsPath+"?fieldValidation="+mode, w.body(name), w.content)
	}
	strict := send("Strict")
	if strict.StatusCode != http.StatusBadRequest && strict.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("Strict: %d %s", strict.StatusCode, strict.body)
	}
	for _, part := range w.reported {
		if !strings.Contains(string(strict.body), part) {
			t.Errorf("Strict doesn't report %s: %s", part, strict.body)
		}
	}
	s.quiet(t, session)
	for _, mode := range []string{"", "Warn"} {
		answer := send(mode)
		accepted(t, answer)
		warnings := strings.Join(answer.Header.Values("Warning"), "\n")
		for _, part := range w.reported {
			if !strings.Contains(warnings, part) {
				t.Errorf("%q doesn't warn of %s: %s", mode, part, warnings)
			}
		}
	}
	ignored := send("Ignore")
	accepted(t, ignored)
	if warnings := ignored.Header.Values("Warning"); len(warnings) != 0 {
		t.Errorf("Ignore warns of %q", warnings)
	}
}

// accepted checks that the last of two values was stored, and no unknown field.
func accepted(t *testing.T, answer *answer) {
	t.Helper()
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	if got := answer.session().Spec.TiltfilePath; got != "/b" || strings.Contains(string(answer.body), `"unknown":`) {
		t.Errorf("stored %s", answer.body)
	}
}

// applyWithMistakes: an apply can't own a field that isn't declared, so it's
// refused in every mode; one that is present twice depends on the mode.
func applyWithMistakes(t *testing.T, s *server) {
	session := s.create(t)
	head := `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"` + session.Name + `"},"spec":`
	for _, mode := range []string{"", "Strict", "Warn", "Ignore"} {
		at := path(session.Name) + "?fieldManager=me&force=true&dryRun=All&fieldValidation=" + mode
		unknown := s.do(t, http.MethodPatch, at, head+`{"unknown":1}}`, contentApply)
		if unknown.StatusCode < 400 || !strings.Contains(string(unknown.body), "unknown") {
			t.Errorf("%q: %d %s", mode, unknown.StatusCode, unknown.body)
		}
		twice := s.do(t, http.MethodPatch, at, head+`{"tiltfilePath":"/a","tiltfilePath":"/b"}}`, contentApply)
		warnings := strings.Join(twice.Header.Values("Warning"), "\n")
		switch mode {
		case "Strict":
			twice.failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
		case "Ignore":
			accepted(t, twice)
			if warnings != "" {
				t.Errorf("Ignore warns of %q", warnings)
			}
		default:
			accepted(t, twice)
			if !strings.Contains(warnings, "tiltfilePath") {
				t.Errorf("%q warns of %q", mode, warnings)
			}
		}
	}
	s.quiet(t, session)
}
