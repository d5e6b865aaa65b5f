// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"cmp"
	"strings"

	"tilt.dev/session/pkg/session"
)

// sign is how a phase looks at a glance: one character or two letters, in a colour of SGR.
type sign struct{ symbol, ascii, colour string }

var signs = [...]sign{
	session.PhaseAbsent:    {"–", "--", dim},
	session.PhaseInactive:  {"–", "--", dim},
	session.PhaseWaiting:   {"…", "--", dim},
	session.PhaseActive:    {"◐", "..", yellow},
	session.PhaseReady:     {"●", "up", green},
	session.PhaseSucceeded: {"✓", "ok", green},
	session.PhaseFailed:    {"✗", "XX", red},
	session.PhaseDisabled:  {"⊘", "off", dim},
}

// Style is how texts look in a terminal.
type Style struct {
	Colour Colour
	// ASCII is true where characters of Unicode can't be shown.
	ASCII bool
}

// Sign is the sign of a phase, with its colour.
func (s Style) Sign(phase session.Phase) string {
	if s.ASCII {
		return s.Phase(phase, signs[phase].ascii)
	}
	return s.Phase(phase, signs[phase].symbol)
}

// Phase is a text in the colour of a phase.
func (s Style) Phase(phase session.Phase, text string) string {
	return s.Paint(signs[phase].colour, text)
}

// Text is a text of this package as it can be shown.
func (s Style) Text(text string) string {
	if s.ASCII {
		return strings.NewReplacer("←", "<-", "…", "...", "│", "|").Replace(text)
	}
	return text
}

// ASCII reports whether a terminal shows nothing but ASCII, by the locale and the kind of terminal in an environment.
func ASCII(getenv func(string) string) bool {
	locale := strings.ToUpper(cmp.Or(getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG")))
	return getenv("TERM") == "linux" ||
		locale != "" && !strings.Contains(locale, "UTF-8") && !strings.Contains(locale, "UTF8")
}
