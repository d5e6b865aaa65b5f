// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package text shortens texts: for a status, which is bounded, and for people who read a line among others.
package text

import (
	"strings"
	"unicode/utf8"
)

// ErrorLine returns the line of an error, such as status.error, that says the most:
// the first one, or the message after the stack trace of a Tiltfile's error.
func ErrorLine(s string) string {
	first, rest, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if !strings.HasPrefix(first, "Traceback ") {
		return first
	}
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "  ") {
			return strings.TrimSpace(line)
		}
	}
	return first
}

// Cut returns s, or if s has more than n characters the first n-1 of them and "…".
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	if characters := []rune(s); len(characters) > n {
		return string(characters[:n-1]) + "…"
	}
	return s
}

// Elide returns s, or if s has more than limit bytes its start and its end around a note of how many bytes are
// missing. The result is valid UTF-8 and, unless the note alone is longer, has at most limit bytes.
func Elide(s string, limit int, note func(missing int) string) string {
	if len(s) <= limit {
		return bound(s, limit)
	}
	kept := max(limit-len(note(len(s))), 0)
	head, end := kept-kept/3, len(s)-kept/3
	for head > 0 && !utf8.RuneStart(s[head]) {
		head--
	}
	for end < len(s) && !utf8.RuneStart(s[end]) {
		end++
	}
	return bound(s[:head], head) + note(end-head) + bound(s[end:], len(s)-end)
}

// bound returns s as valid UTF-8 of at most n bytes. The character that replaces an
// invalid byte is longer than that byte.
func bound(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// Plain returns a line as Printable does, trimmed and without what isn't valid.
func Plain(line string) string {
	return strings.TrimSpace(strings.ReplaceAll(Printable(line), "\uFFFD", ""))
}
