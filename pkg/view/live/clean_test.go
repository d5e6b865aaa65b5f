// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"tilt.dev/session/pkg/view"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                                 "plain",
		"\x1b[1;38:5:9mred\x1b[0m":              "\x1b[1;38:5:9mred\x1b[0m\x1b[m",
		"\x1b[31mnever reset":                   "\x1b[31mnever reset\x1b[m",
		"a\x1b[2Jb\x1b[Hc\x1b[?1049hd\x1b[>4m":  "abcd",
		"\x1b]0;title\x07x\x1b]52;c;AA==\x1b\\": "x",
		"10%\r20%\r30%\r":                       "30%",
		"a\tb":                                  "a       b",
		"世\tb":                                  "世      b",
		"bell\a nul\x00 c1\u009b31m":            "bell nul c131m",
		"bad \xff":                              "bad \uFFFD",
		"right\u202eleft":                       "rightleft",
		"👩‍👩‍👧 é":                               "👩‍👩‍👧 é",
	} {
		if got := clean(in, 1000, true); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if got := clean(in, 1000, false); got != ansi.Strip(want) {
			t.Errorf("%q without colours: %q", in, got)
		}
	}
	if got := clean(strings.Repeat("ä", 100), 5, true); got != "ää\uFFFD" {
		t.Errorf("cut: %q", got)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[31mred\x1b[K\t\x1b]0;t\a世\r\n")
	f.Fuzz(func(t *testing.T, line string) {
		got := clean(line, 200, true)
		bare := ansi.Strip(got)
		if !utf8.ValidString(got) || strings.ContainsFunc(bare, unicode.IsControl) {
			t.Errorf("%q: %q", line, got)
		}
		for rest := got; ; {
			_, after, found := strings.Cut(rest, "\x1b")
			if !found {
				break
			}
			if end := strings.IndexByte(after, 'm'); !isRendition("\x1b" + after[:end+1]) {
				t.Errorf("%q: %q", line, got)
			}
			rest = after
		}
	})
}

func TestCutMiddle(t *testing.T) {
	m := marksOf(view.Style{})
	for _, test := range []struct {
		in, want string
		width    int
	}{
		{"short", "short", 5}, {"abcdefghij", "abc…hij", 7}, {"世界世界世界", "世…界", 6}, {"abcd", "a…", 2}, {"abc", "", 0},
	} {
		got := m.cutMiddle(test.in, test.width)
		if got != test.want || ansi.StringWidth(got) > test.width {
			t.Errorf("%q to %d: %q, want %q", test.in, test.width, got, test.want)
		}
	}
}
