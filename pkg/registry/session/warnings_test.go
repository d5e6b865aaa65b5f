// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

func TestWarnings(t *testing.T) {
	const done = `session "a" is done, and isn't run again whatever is changed: create another one, or delete it and create it again`
	for name, test := range map[string]struct {
		done   bool
		change func(*v1alpha1.Session)
		want   []string
	}{
		"nothing":             {change: func(*v1alpha1.Session) {}},
		"the spec":            {change: func(s *v1alpha1.Session) { s.Spec.KeepGoing = true }},
		"another annotation":  {change: func(s *v1alpha1.Session) { s.Annotations = map[string]string{"tilt.dev/resource": "a"} }},
		"an empty annotation": {change: func(s *v1alpha1.Session) { s.Annotations = map[string]string{"tilt.dev/args": ""} }, want: []string{`annotation "tilt.dev/args" has no effect: use spec.args`}},
		"every annotation": {
			change: func(s *v1alpha1.Session) {
				s.Annotations = map[string]string{"tilt.dev/args": "a", "tilt.dev/keep-going": "true", "tilt.dev/ttl-after-finished": "1h"}
			},
			want: []string{
				`annotation "tilt.dev/args" has no effect: use spec.args`,
				`annotation "tilt.dev/keep-going" has no effect: use spec.keepGoing`,
				`annotation "tilt.dev/ttl-after-finished" has no effect: use spec.ttlSecondsAfterFinished`,
			},
		},
		"done, a label":       {done: true, change: func(s *v1alpha1.Session) { s.Labels = map[string]string{"a": "c"} }},
		"done, the spec":      {done: true, change: func(s *v1alpha1.Session) { s.Spec.ExitCondition = v1alpha1.ExitConditionManual }, want: []string{done}},
		"done, its expiry":    {done: true, change: func(s *v1alpha1.Session) { s.Spec.TTLSecondsAfterFinished = new(int32) }},
		"done, an empty list": {done: true, change: func(s *v1alpha1.Session) { s.Spec.Args = []string{} }},
	} {
		previous := stored()
		previous.Status.Done = test.done
		session := previous.DeepCopy()
		test.change(session)
		main := newStrategy(runtime.NewScheme())
		if got := main.WarningsOnUpdate(t.Context(), session, previous); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		if got := main.WarningsOnUpdate(t.Context(), session, session); len(got) > 0 {
			t.Errorf("%s, again: %q", name, got)
		}
		if got := main.WarningsOnCreate(t.Context(), session); !test.done && !slices.Equal(got, test.want) {
			t.Errorf("%s, created: %q, want %q", name, got, test.want)
		}
	}
	// A changed value is as new.
	before, after := stored(), stored()
	before.Annotations, after.Annotations = map[string]string{"tilt.dev/args": "a"}, map[string]string{"tilt.dev/args": "b"}
	if got := newStrategy(runtime.NewScheme()).WarningsOnUpdate(t.Context(), after, before); len(got) != 1 {
		t.Errorf("another value: %q", got)
	}
}
