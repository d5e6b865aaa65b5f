// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package text

import (
	"strings"
	"testing"
)

func TestCut(t *testing.T) {
	for _, test := range []struct {
		text, want string
		n          int
	}{
		{"", "", 1}, {"abc", "abc", 3}, {"abcd", "ab…", 3}, {"äöü", "äöü", 3}, {"äöüß", "äö…", 3}, {"ab", "…", 1},
	} {
		if got := Cut(test.text, test.n); got != test.want {
			t.Errorf("%q to %d characters: %q, want %q", test.text, test.n, got, test.want)
		}
	}
}

func TestElide(t *testing.T) {
	for limit := range 12 {
		got := Elide(strings.Repeat("ä", 100), limit, func(int) string { return ".." })
		if len(got) > max(limit, 2) || !strings.Contains(got, "..") || strings.Trim(got, "ä") != ".." {
			t.Errorf("limit %d: %q", limit, got)
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

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"":                                   "",
		" a\tb ":                             "a\tb",
		"\x1b[1;31mred\x1b[0m":               "red",
		"\x1b]0;title\x07a\x1b]8;;u\x1b\\b":  "ab",
		"half \x1b[3":                        "half",
		"a\r\nb\x00\x9f":                     "b",
		"\xff\xfeok":                         "ok",
		"\x1b[38:2:1:2:3mä\x1b[K\x1b[?2026h": "ä",
	} {
		if got := Plain(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
