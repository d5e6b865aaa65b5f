// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

const appliedHead = `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session",`

// FuzzReadApplied checks that the canonical form of the body of an apply decodes to the
// same Session, and is its own canonical form.
func FuzzReadApplied(f *testing.F) {
	for _, body := range []string{
		"apiVersion: tilt.dev/v1alpha1\nkind: Session\nmetadata: {name: a, labels: {}}\nspec: {ci: {timeout: 90s}, tiltfilePath: \"\\x7f\"}\n",
		appliedHead + `"status":{"pid":1e3,"startTime":"2026-01-02T03:04:05.000006+05:00","targets":[{"name":"a","state":{"active":{"ready":true}}},null]}}`,
		appliedHead + `"metadata":{"managedFields":[{"fieldsV1":{"f:a":{}},"time":null}],"ownerReferences":[{"controller":true}]},"status":{"conditions":[{"type":"A","lastTransitionTime":"2026-01-02T03:04:05.9+05:00"}]}}`,
		appliedHead + `"spec":{"ci":{"timeout":"1h","timeout":"2h"}}}`,
		appliedHead + `"metadata":{"deletionTimestamp":"0001-01-01T00:00:00Z"}}`,
		appliedHead + `"spec":[],"unknown":{}}`,
		// Text that YAML and JSON decode differently.
		appliedHead + `"spec":{"ci":{"timeout":"1h"},"tiltfilePath":"\u007f\u0085\ufeff\u2028\u0000<&>\t\n: # - 😀"}}`,
		appliedHead + `"spec":{"ci":{"timeout":"1h"}},"metadata":{"annotations":{"yes":"no","1":"0x1","a":"1e3","b":"~","c":"2026-01-02","d":" x ","e":"12:30:45","f":"null"}}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		read, errs := readApplied(body)
		if len(errs) > 0 || string(read) == string(body) {
			return
		}
		if want, got := sessionIn(t, body), sessionIn(t, read); want != got {
			t.Errorf("another Session (-want +got):\n%s", cmp.Diff(want, got))
		}
		if again, errs := readApplied(read); string(again) != string(read) || len(errs) > 0 {
			t.Errorf("%s becomes %s, %v", read, again, errs)
		}
	})
}

// sessionIn returns the Session in a document as it is stored.
func sessionIn(t *testing.T, document []byte) string {
	t.Helper()
	encoded, err := yaml.YAMLToJSON(document)
	if err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	// Encoded and decoded twice, because the zero time is stored as null.
	for range 2 {
		var session v1alpha1.Session
		if err := json.Unmarshal(encoded, &session); err != nil {
			t.Fatalf("%s: %v", document, err)
		}
		v1alpha1.SetObjectDefaults_Session(&session)
		encoded = encode(&session)
	}
	return string(encoded)
}
