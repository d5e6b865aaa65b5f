// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import "testing"

// TestTerminal changes one thing at a time of a terminal on which the view is shown.
func TestTerminal(t *testing.T) {
	good := Terminal{In: true, Out: true, Term: "xterm", Width: 80, Height: 24}
	for name, test := range map[string]struct {
		change      func(*Terminal)
		live, moves bool
	}{
		"all is well":     {func(*Terminal) {}, true, true},
		"smallest":        {func(t *Terminal) { t.Width, t.Height = 40, 10 }, true, true},
		"too narrow":      {func(t *Terminal) { t.Width = 39 }, false, false},
		"too low":         {func(t *Terminal) { t.Height = 9 }, false, false},
		"39x9":            {func(t *Terminal) { t.Width, t.Height = 39, 9 }, false, false},
		"unknown size":    {func(t *Terminal) { t.Width, t.Height = 0, 0 }, true, true},
		"stdin is a pipe": {func(t *Terminal) { t.In = false }, false, true},
		"stdout is one":   {func(t *Terminal) { t.Out = false }, false, false},
		"no TERM":         {func(t *Terminal) { t.Term = "" }, false, false},
		"dumb":            {func(t *Terminal) { t.Term = "dumb" }, false, false},
		"unknown TERM":    {func(t *Terminal) { t.Term = "nonsense" }, true, true},
		"CI":              {func(t *Terminal) { t.CI = "true" }, false, false},
		"CI=1":            {func(t *Terminal) { t.CI = "1" }, false, false},
		"CI=woodpecker":   {func(t *Terminal) { t.CI = "woodpecker" }, false, false},
		"CI=false":        {func(t *Terminal) { t.CI = "false" }, true, true},
		"CI=0":            {func(t *Terminal) { t.CI = "0" }, true, true},
	} {
		terminal := good
		test.change(&terminal)
		if terminal.Live() != test.live || terminal.Moves() != test.moves {
			t.Errorf("%s: live %v, moves %v, want %v, %v", name, terminal.Live(), terminal.Moves(), test.live, test.moves)
		}
	}
}
