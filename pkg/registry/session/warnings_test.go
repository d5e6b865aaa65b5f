// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

func TestWarnings(t *testing.T) {
	const args, keepGoing, ttl = v1alpha1.AnnotationArgs, v1alpha1.AnnotationKeepGoing, v1alpha1.AnnotationTTLAfterFinished
	type annotations = map[string]string
	change := func(s *v1alpha1.Session) { s.Spec.ExitCondition = v1alpha1.ExitConditionManual }
	label := func(s *v1alpha1.Session) { s.Labels = annotations{"a": "b"} }
	for name, test := range map[string]struct {
		annotations annotations
		done        bool
		change      func(*v1alpha1.Session)
		want        []string
	}{
		"nothing":         {change: change},
		"good values":     {annotations: annotations{args: `["a b"]`, keepGoing: "false", ttl: "1h"}},
		"bad values":      {annotations: annotations{args: `[a]`, keepGoing: "yes", ttl: "soon"}, want: []string{"must be a list", `"yes" is neither`, `"soon" isn't a duration`}},
		"quotes":          {annotations: annotations{args: `--env="a b"`}, want: []string{"quotes are a part"}},
		"quotes in JSON":  {annotations: annotations{args: ` ["--env=\"a\""]`}},
		"long value":      {annotations: annotations{keepGoing: strings.Repeat("x", 1<<20)}, want: []string{"xxx"}},
		"done":            {done: true, change: label, annotations: annotations{ttl: "1h"}},
		"done and spec":   {done: true, change: change, want: []string{"is done, and isn't run again"}},
		"done and args":   {done: true, annotations: annotations{args: "a"}, want: []string{"is done, and isn't run again"}},
		"undone and spec": {change: change},
	} {
		previous := stored()
		previous.Status.Done = test.done
		session := previous.DeepCopy()
		session.Annotations = test.annotations
		if test.change != nil {
			test.change(session)
		}
		main := newStrategy(runtime.NewScheme())
		check(t, name, main.WarningsOnUpdate(t.Context(), session, previous), test.want)
		check(t, name+", again", main.WarningsOnUpdate(t.Context(), session, session), nil)
		if !test.done {
			check(t, name+", created", main.WarningsOnCreate(t.Context(), session), test.want)
		}
	}
}

// check compares warnings with what's to be in each.
func check(t *testing.T, name string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: warned of %.1000q, want %q", name, got, want)
		return
	}
	for i := range got {
		if !strings.Contains(got[i], want[i]) || len(got[i]) > 500 {
			t.Errorf("%s: warned of %.1000q, want %q", name, got[i], want[i])
		}
	}
}
