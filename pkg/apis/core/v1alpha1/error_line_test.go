// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "testing"

func TestShorten(t *testing.T) {
	for text, want := range map[string]string{"": "", "wörd": "wörd", "wörds": "wör…"} {
		if got := Shorten(text, 4); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestErrorLine(t *testing.T) {
	const traceback = "Traceback (most recent call last):\n  /a/Tiltfile:3:2: in <toplevel>\n  /a/Tiltfile:2:9: in f\n"
	for text, want := range map[string]string{
		"":                         "",
		"exit status 1":            "exit status 1",
		"\nfirst \nsecond":         "first ",
		traceback:                  "Traceback (most recent call last):",
		traceback + "Error: a\n b": "Error: a",
		traceback + "Error in fail: boom\nsecond line": "Error in fail: boom",
	} {
		if got := ErrorLine(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
