// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package text

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

var printableCases = map[string]string{
	"plain":                                "plain",
	"tab\tkept":                            "tab\tkept",
	"\x1b[31mred\x1b[0m\x00 text":          "red text",
	"bad \xff utf-8":                       "bad \uFFFD utf-8",
	"\x1b]8;;http://x\x1b\\link\x1b]8;;\a": "link",
	"10 %\r20 %\r":                         "20 %",
	"\x1b(Bx\x1b7y\x1b":                    "xy",
	"\x1b[31":                              "",
	"\x1b]0;no end":                        "0;no end",
	"a\u202eb\u2066c":                      "abc",
	"\x1bä":                                "ä",
	"ends\x1b[3\nm":                        "endsm",
	"\x1b(ä":                               "ä",
	"\x1b]0;title\x1b[31mred":              "red",
}

func TestPrintable(t *testing.T) {
	for line, want := range printableCases {
		if got := Printable(line); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("\x1b[31mred\x1b]0;t\a\x1b\xff\r\n")
	f.Fuzz(func(t *testing.T, line string) {
		got := Printable(line)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
			t.Errorf("%q: %q", line, got)
		}
	})
}
