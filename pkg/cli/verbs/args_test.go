// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

import (
	"slices"
	"testing"
)

// What's shown in the editor is read again as the same arguments.
func TestEditedArgsStay(t *testing.T) {
	for _, args := range [][]string{
		{"web"},
		{"web", "--environment=staging", "-x"},
		{"", "two words", "it's", `a"b\c`, "#no comment", "$HOME", "~", "line\nbreak", "ä", "*", "a\tb", "\u00a0"},
	} {
		got, err := parseArgs(argsHeader + formatArgs(args) + "\n")
		if err != nil || !slices.Equal(got, args) {
			t.Errorf("%q were read as %q, %v", args, got, err)
		}
	}
}

func TestParseArgs(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string // nil for an error
	}{
		{"a b", []string{"a", "b"}},
		{"# old\n\n  a 'b c'\n", []string{"a", "b c"}},
		{`"a b"c\ d`, []string{"a bc d"}},
		{"a\nb", []string{"a", "b"}},
		{"''", []string{""}},
		{"", nil},
		{"# a\n", nil},
		{"'a", nil},
	} {
		got, err := parseArgs(test.text)
		if !slices.Equal(got, test.want) || (err != nil) != (test.want == nil) {
			t.Errorf("%q: got %q, %v, want %q", test.text, got, err, test.want)
		}
	}
}
