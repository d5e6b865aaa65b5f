// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package live shows a Session on a terminal while it runs: a table of its resources, why each waits or has failed,
// and its log, with keys to find, trigger, restart, enable and disable. It is a client of the public API and knows
// nothing else of a run. It also has the one line of status that ci draws below its lines.
//
// The view draws what fits on the screen and nothing else, on the alternate screen, without taking the mouse. However
// it ends, the terminal is as it was before. It is not for pipes: Terminal decides.
package live

import (
	"os"

	"golang.org/x/term"

	"tilt.dev/session/pkg/view"
)

// The smallest terminal that the view fits on.
const (
	minWidth  = 40
	minHeight = 10
)

// Terminal is what is known of the terminal of a process.
type Terminal struct {
	// In and Out are true if stdin and stdout are terminals.
	In, Out bool
	// Term and CI are the environment variables TERM and CI.
	Term, CI string
	// Width and Height are those of stdout.
	Width, Height int
}

// Look returns what is known of the terminal of this process.
func Look(in, out any) Terminal {
	t := Terminal{Term: os.Getenv("TERM"), CI: os.Getenv("CI")}
	if file, ok := in.(*os.File); ok {
		t.In = term.IsTerminal(int(file.Fd()))
	}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		t.Out = true
		if width, height, err := term.GetSize(int(file.Fd())); err == nil {
			t.Width, t.Height = width, height
		}
	}
	return t
}

// Moves reports whether the terminal can draw over what it has drawn, and a person looks at it.
func (t Terminal) Moves() bool {
	return t.Out && t.Term != "" && t.Term != "dumb" && !view.Truthy(t.CI) && t.fits()
}

// Live reports whether the view can be shown.
func (t Terminal) Live() bool { return t.In && t.Moves() }

// fits is true for a terminal of unknown size, which some multiplexers have at first.
func (t Terminal) fits() bool {
	return t.Width == 0 && t.Height == 0 || t.Width >= minWidth && t.Height >= minHeight
}
