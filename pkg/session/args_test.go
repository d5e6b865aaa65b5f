// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

func annotated(key, value string) *v1alpha1.Session {
	s := manual()
	s.Annotations = map[string]string{key: value}
	return s
}

func TestArgs(t *testing.T) {
	for value, want := range map[string][]string{
		"":                               {},
		" \n":                            {},
		"web":                            {"web"},
		" web\t--env=prod\n worker ":     {"web", "--env=prod", "worker"},
		`say "a b"`:                      {"say", `"a`, `b"`},
		`[]`:                             {},
		` ["web", "--env=a b", ""] `:     {"web", "--env=a b", ""},
		`["[x]"]`:                        {"[x]"},
		`{"a": "list"}`:                  {`{"a":`, `"list"}`},
		`web ["worker"]`:                 {"web", `["worker"]`},
		"[\"with\\nline\", \"\\u00e4\"]": {"with\nline", "ä"},
	} {
		got, err := Args(annotated(v1alpha1.AnnotationArgs, value))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q (%v), want %q", value, got, err, want)
		}
	}
	if got, err := Args(manual()); err != nil || len(got) > 0 {
		t.Errorf("without the annotation: %q (%v)", got, err)
	}
	for _, value := range []string{`[`, `["a"`, `["a",]`, `["a"] b`, `[1]`, `["a", null]`, `[["a"]]`, `[web]`} {
		got, err := Args(annotated(v1alpha1.AnnotationArgs, value))
		if err == nil || !strings.HasPrefix(err.Error(), "annotation tilt.dev/args: must be") {
			t.Errorf("%q: %q (%v)", value, got, err)
		}
	}
}

// FuzzArgs reads what was written, and never breaks.
func FuzzArgs(f *testing.F) {
	f.Add("web --env=prod", "a\x00b")
	f.Add(`["a", null]`, "[")
	f.Fuzz(func(t *testing.T, value, arg string) {
		if args, err := v1alpha1.ParseArgs(value); err == nil {
			if again, err := v1alpha1.ParseArgs(FormatArgs(args)); err != nil || utf8.ValidString(value) && !slices.Equal(again, args) {
				t.Errorf("%q is written as %q (%v)", args, again, err)
			}
		}
		if !utf8.ValidString(arg) {
			return
		}
		if args, err := v1alpha1.ParseArgs(FormatArgs([]string{arg, arg})); err != nil || !slices.Equal(args, []string{arg, arg}) {
			t.Errorf("%q is read as %q (%v)", arg, args, err)
		}
	})
}
