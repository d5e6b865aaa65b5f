// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"slices"
	"strings"
	"testing"
)

// The lines don't depend on how a text is cut into pieces, and nothing but line ends is lost.
func FuzzSplitter(f *testing.F) {
	f.Add([]byte("a\r\nb\nc"), uint8(0))
	f.Add([]byte("\xff\x00\r\r\n\n"), uint8(1))
	f.Add([]byte("12345678\r\n123456789\n12345678\r\r\n"), uint8(2))
	f.Add([]byte("1234567é, 123456漢字, \x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"), uint8(7))
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		whole, pieces := splitter{limit: shortLine}, splitter{limit: shortLine}
		whole.write(text)
		whole.flush()
		for piece := range slices.Chunk(text, int(size)+1) {
			pieces.write(piece)
			if len(pieces.rest) > shortLine+1 {
				t.Fatalf("%d bytes held back", len(pieces.rest))
			}
		}
		pieces.flush()
		if n := len(all(lines{text: string(pieces.text), count: pieces.count})); n != pieces.count {
			t.Fatalf("%d lines are counted as %d", n, pieces.count)
		}
		want := all(whole.take())
		if got := all(pieces.take()); !slices.Equal(got, want) {
			t.Fatalf("in pieces %q, at once %q", got, want)
		}
		if len(text) > 0 {
			checkLines(t, string(text), want)
		}
	})
}

// shortLine is a limit that short texts exceed.
const shortLine = 8

func all(l lines) (texts []string) {
	for _, text := range l.all() {
		texts = append(texts, text)
	}
	return texts
}

// checkLines fails if lines aren't those of a text.
func checkLines(t *testing.T, text string, lines []string) {
	t.Helper()
	i := 0
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		line = strings.TrimSuffix(line, "\r")
		for first := true; first || line != ""; first = false {
			if i == len(lines) || len(lines[i]) > shortLine || !strings.HasPrefix(line, lines[i]) ||
				lines[i] == "" && line != "" {
				t.Fatalf("line %d of %q isn't in %q", i, text, lines)
			}
			line = line[len(lines[i]):]
			i++
		}
	}
	if i != len(lines) {
		t.Fatalf("%d lines too many in %q", len(lines)-i, lines)
	}
}
