// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

const appliedHead = `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session",`

// What an apply hands on means the same, in the words that are stored.
func TestReadApplied(t *testing.T) {
	t.Parallel()
	const target = `"status":{"targets":[{"name":"a","type":"job","resources":[],"state":`
	for _, test := range []struct{ applied, want string }{
		{`"spec":{"ci":{"timeout":"90s","readinessTimeout":"0","k8sGracePeriod":"1h0m0s"}}}`, `"spec":{"ci":{"timeout":"1m30s","readinessTimeout":"0s","k8sGracePeriod":"1h0m0s"}}}`},
		{`"spec":{"ci":{"timeout":null},"tiltfilePath":null}}`, ""},
		{`"spec":{"ci":{}}}`, ""},
		{`"spec":null,"status":null,"metadata":null}`, ""},
		{`"metadata":{"labels":{},"annotations":{"a":""},"finalizers":[],"ownerReferences":null}}`, `"metadata":{"annotations":{"a":""},"ownerReferences":null}}`},
		{`"status":{"startTime":"2026-01-02T03:04:05.000006+05:00","error":"","conditions":[],"targets":null}}`, `"status":{"startTime":"2026-01-01T22:04:05.000006Z","error":"","targets":[]}}`},
		{`"status":{"startTime":"9999-12-31T23:59:59.000000-23:00"}}`, ""},
		{`"status":{"conditions":[{"type":"A","lastTransitionTime":"2026-01-02T03:04:05.9+05:00"}]}}`, `"status":{"conditions":[{"type":"A","lastTransitionTime":"2026-01-01T22:04:05Z"}]}}`},
		{target + `{}},null]}}`, ""},
		{target + `{"waiting":null}}]}}`, target + `{}}]}}`},
		{target + `{"active":{"ready":true}},"restartCount":0}]}}`, target + `{"active":{"ready":true,"startTime":null,"lastReadyTime":null}}}]}}`},
		// Text that YAML reads in other ways than JSON.
		{`"spec":{"ci":{"timeout":"1h"},"tiltfilePath":"\u007f\u0085\ufeff\u2028\u0000<&>\t\n: # - 😀"}}`, `"spec":{"ci":{"timeout":"1h0m0s"},"tiltfilePath":"\u007f\u0085\ufeff\u2028\u0000<&>\t\n: # - 😀"}}`},
		{`"spec":{"ci":{"timeout":"1h"}},"metadata":{"annotations":{"yes":"no","1":"0x1","a":"1e3","b":"~","c":"2026-01-02","d":" x ","e":"12:30:45","f":"null"}}}`,
			`"spec":{"ci":{"timeout":"1h0m0s"}},"metadata":{"annotations":{"yes":"no","1":"0x1","a":"1e3","b":"~","c":"2026-01-02","d":" x ","e":"12:30:45","f":"null"}}}`},
	} {
		if test.want == "" {
			test.want = test.applied
		}
		body, errs := readApplied([]byte(appliedHead + test.applied))
		var got, want map[string]any
		if err := yaml.UnmarshalStrict(body, &got); err != nil || len(errs) > 0 {
			t.Errorf("%s: %v, %v", test.applied, err, errs)
			continue
		}
		if err := json.Unmarshal([]byte(appliedHead+test.want), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.applied, diff)
		}
		if again, _ := readApplied(body); string(again) != string(body) {
			t.Errorf("%s: %s is changed again", test.applied, body)
		}
	}
}

// What isn't of a Session, or is decided elsewhere, is handed on as it is.
func TestReadAppliedLeaves(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"", "null", "[]", "text", "a: [", "\x00", "a: &a [*a]", `{"kind":"Session"}`, `{"apiVersion":"tilt.dev/v2","kind":"Session","spec":[]}`,
		`{"apiVersion":"tilt.dev/v1alpha1","kind":"Other","spec":[]}`, `{"apiVersion":1,"kind":[]}`,
		appliedHead + `"spec":{"ci":{"timeout":"90s","timeout":"90s"}}}`,
		appliedHead + `"spec":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`,
	} {
		if got, errs := readApplied([]byte(body)); string(got) != body || len(errs) > 0 {
			t.Errorf("%.100q: %.100q, %v", body, got, errs)
		}
	}
}

func TestReadStrategic(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                               "",
		"[]":                             "",
		"{":                              "",
		`{"unknown":1,"$patch":"x"}`:     "",
		`{"spec":{"$retainKeys":["a"]}}`: "",
		`{"metadata":{"labels":{"$patch":"replace","$retainKeys":["a"]},"$deleteFromPrimitiveList/finalizers":["a"],"$setElementOrder/finalizers":["b"]}}`: "",
		`{"status":{"conditions":[{"$patch":"delete","type":"A"}],"pid":9007199254740993}}`:                                                                "",
		`{"status":{"pid":99999999999999999999}}`:                                                              "status.pid",
		`{"status":{"targets":[{"restartCount":3000000000,"state":{"terminated":{"exitCode":-3000000000}}}]}}`: "status.targets[0].restartCount status.targets[0].state.terminated.exitCode",
		`{"metadata":{"generation":"1","deletionGracePeriodSeconds":0.5}}`:                                     "metadata.deletionGracePeriodSeconds metadata.generation",
	} {
		got, errs := readStrategic([]byte(body))
		var fields []string
		for _, err := range errs {
			fields = append(fields, err.Field)
		}
		if string(got) != body || strings.Join(fields, " ") != want {
			t.Errorf("%s: %s, %v", body, got, errs)
		}
	}
}
