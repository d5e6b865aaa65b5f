// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"tilt.dev/session/pkg/text"
	"tilt.dev/session/pkg/view"
)

// Parameters of SGR.
const (
	bold    = "1"
	faint   = "2"
	reverse = "7"
	red     = "31"
	yellow  = "33"
	banner  = bold + ";" + reverse
)

// tabWidth is the distance between two tab stops.
const tabWidth = 8

// clean is a line of output as the log may show it: the part after its last carriage return, at most limit bytes of
// it, without what moves the cursor or changes the terminal. Colours and other renditions stay if colours is true.
func clean(s string, limit int, colours bool) string {
	s = strings.TrimRight(s, "\r")
	s = s[strings.LastIndexByte(s, '\r')+1:]
	s = strings.ToValidUTF8(s[:min(len(s), limit)], "\uFFFD")
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return s
	}
	var b strings.Builder
	var state byte
	column, rendered := 0, false
	for len(s) > 0 {
		seq, width, n, next := ansi.DecodeSequence(s, state, nil)
		s, state = s[n:], next
		switch {
		case seq == "\t":
			stop := tabWidth - column%tabWidth
			b.WriteString(strings.Repeat(" ", stop))
			column += stop
		case width > 0 && !strings.ContainsFunc(seq, unicode.IsControl):
			b.WriteString(seq)
			column += width
		case colours && isRendition(seq):
			b.WriteString(seq)
			rendered = true
		}
	}
	if rendered {
		b.WriteString(ansi.ResetStyle)
	}
	return b.String()
}

// isRendition reports whether a sequence selects a graphic rendition, and does nothing else.
func isRendition(seq string) bool {
	parameters, begins := strings.CutPrefix(seq, "\x1b[")
	parameters, ends := strings.CutSuffix(parameters, "m")
	return begins && ends && strings.Trim(parameters, "0123456789;:") == ""
}

// plain is a text for the table, without anything but its characters.
func plain(s string) string { return strings.ReplaceAll(text.Plain(s[:min(len(s), 1024)]), "\t", " ") }

// marks are the characters of the view that aren't letters.
type marks struct{ more, line, bar, point string }

func marksOf(style view.Style) marks {
	if style.ASCII {
		return marks{more: "~", line: "-", bar: "|", point: ">"}
	}
	return marks{more: "…", line: "─", bar: "│", point: "▸"}
}

// cut is a text of at most a width.
func (m marks) cut(s string, width int) string { return ansi.Truncate(s, max(0, width), m.more) }

// pad is a text of a width.
func (m marks) pad(s string, width int) string {
	s = m.cut(s, width)
	return s + strings.Repeat(" ", max(0, width-ansi.StringWidth(s)))
}

// cutMiddle is a text of at most a width that keeps its beginning and its end, by which names differ.
func (m marks) cutMiddle(s string, width int) string {
	total, kept := ansi.StringWidth(s), width-ansi.StringWidth(m.more)
	if total <= width || kept < 2 {
		return m.cut(s, width)
	}
	return ansi.Cut(s, 0, kept-kept/2) + m.more + ansi.Cut(s, total-kept/2, total)
}

// wrapped are the rows that a text takes.
func wrapped(s string, width int) []string {
	return strings.Split(ansi.Hardwrap(s, max(1, width), true), "\n")
}

// highlight is a text where all that matches is reversed.
func highlight(s string, pattern *regexp.Regexp) string {
	return pattern.ReplaceAllStringFunc(s, func(match string) string {
		return "\x1b[" + reverse + "m" + match + ansi.ResetStyle
	})
}
