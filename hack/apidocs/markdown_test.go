// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestSlug(t *testing.T) {
	for heading, want := range map[string]string{
		"SessionSpec":                   "sessionspec",
		"update sessions/{name}/status": "update-sessionsnamestatus",
		"tilt.dev/v1alpha1":             "tiltdevv1alpha1",
	} {
		if got := slug(heading); got != want {
			t.Errorf("slug(%q) = %q, want %q", heading, got, want)
		}
	}
}

func TestCell(t *testing.T) {
	for text, want := range map[string]string{
		"one\n  two\n\nthree ": "one two three",
		"a || b":               `a \|\| b`,
		"'f:<name>'":           "'f:&lt;name&gt;'",
		"":                     "",
	} {
		if got := cell(text); got != want {
			t.Errorf("cell(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestFirstSentence(t *testing.T) {
	for text, want := range map[string]string{
		"It is so. Because of this.": "It is so.",
		"It is so.":                  "It is so.",
		"status.error is set":        "status.error is set",
	} {
		if got := firstSentence(text); got != want {
			t.Errorf("firstSentence(%q) = %q, want %q", text, got, want)
		}
	}
}
