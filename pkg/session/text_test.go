// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for name, s := range map[string]string{
		"empty":             "",
		"short":             "Command \"x\" failed",
		"just fits":         strings.Repeat("a", maxText),
		"one byte too long": strings.Repeat("a", maxText+1),
		"a megabyte":        strings.Repeat("b", 1<<20),
		"20 MB of lines":    strings.Repeat("123456789\n", 2<<20),
		"wide characters":   strings.Repeat("日本語", maxText),
		"shifted by one":    "a" + strings.Repeat("日本語", maxText),
		"no UTF-8":          strings.Repeat("\xff\xfe", maxText),
		"no UTF-8, fits":    strings.Repeat("\xff", maxText),
	} {
		got := errorText(s)
		switch {
		case len(got) > maxText:
			t.Errorf("%s: %d bytes are left", name, len(got))
		case !utf8.ValidString(got):
			t.Errorf("%s: the result isn't UTF-8", name)
		case errorText(got) != got:
			t.Errorf("%s: the result is shortened again", name)
		case len(s) <= maxText && utf8.ValidString(s) && got != s:
			t.Errorf("%s: what fits was changed", name)
		}
	}
}

func TestShortenedText(t *testing.T) {
	s := "the start" + strings.Repeat("x", 1<<20) + "the end"
	got := loggedText(s)
	if !strings.HasPrefix(got, "the start") || !strings.HasSuffix(got, "the end") {
		t.Fatalf("start or end is missing: %s", got)
	}
	var missing int
	_, note, _ := strings.Cut(got, "\n")
	if _, err := fmt.Sscanf(note, "[... %d bytes are left out here; the log has them ...]", &missing); err != nil {
		t.Fatalf("no note in %q: %v", note, err)
	}
	if kept := strings.Count(got, "x") + len("the start") + len("the end"); kept+missing != len(s) {
		t.Errorf("%d bytes are said to be missing, but %d of %d are there", missing, kept, len(s))
	}
}

func TestResourceNamesStayDifferent(t *testing.T) {
	long := strings.Repeat("n", 5000)
	names := map[string]bool{}
	for _, name := range []string{"short", long + "1" + long, long + "2" + long, long[:maxName], long} {
		short := resourceName(name)
		if len(short) > maxName || names[short] {
			t.Errorf("%d bytes became %q", len(name), short)
		}
		names[short] = true
	}
}
