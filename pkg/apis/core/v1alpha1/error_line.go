// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "strings"

// ErrorLine returns the line of an error, such as status.error, that says what
// is wrong: the first line, or in a Tiltfile's error the line after the stack
// trace.
func ErrorLine(text string) string {
	first, rest, _ := strings.Cut(strings.TrimSpace(text), "\n")
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

// Shorten returns a text of at most the given number of characters: the text, or
// its beginning and an ellipsis.
func Shorten(text string, most int) string {
	if characters := []rune(text); len(characters) > most {
		return string(characters[:most-1]) + "…"
	}
	return text
}
