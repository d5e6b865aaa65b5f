// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "strings"

// ErrorLine is the line of an error, such as status.error, that says what's wrong
// to who has room for one: the first, or of a Tiltfile's error the one behind the
// places that led to it.
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
