// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"slices"
	"strings"
)

// Colour is how many colours a text has.
type Colour uint8

// The depths of colour.
const (
	NoColour Colour = iota
	Colour16
	Colour256
	TrueColour
)

// ColourMode is what a user says about colours by a flag.
type ColourMode string

// The modes.
const (
	ColourAuto   ColourMode = "auto"
	ColourAlways ColourMode = "always"
	ColourNever  ColourMode = "never"
)

// ColourModes are all modes.
var ColourModes = []ColourMode{ColourAlways, ColourNever, ColourAuto}

// ColourOf decides on colours. Of these the first that says something decides: the mode; NO_COLOR; FORCE_COLOR, then
// CLICOLOR_FORCE; TERM=dumb; a CI system whose log shows colours; CLICOLOR=0; whether the output is a terminal.
func ColourOf(mode ColourMode, terminal bool, getenv func(string) string) Colour {
	force, forceOther := getenv("FORCE_COLOR"), getenv("CLICOLOR_FORCE")
	switch {
	case mode == ColourNever:
		return NoColour
	case mode == ColourAlways:
		return depth(getenv)
	case getenv("NO_COLOR") != "", force == "0":
		return NoColour
	case force != "", forceOther != "" && forceOther != "0":
		return depth(getenv)
	case getenv("TERM") == "dumb":
		return NoColour
	case slices.ContainsFunc([]string{"GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE"}, func(key string) bool {
		return Truthy(getenv(key))
	}):
		return Colour16
	case getenv("CLICOLOR") == "0", !terminal:
		return NoColour
	}
	return depth(getenv)
}

// depth is that of a terminal with colours.
func depth(getenv func(string) string) Colour {
	switch term := getenv("TERM"); {
	case slices.Contains([]string{"truecolor", "24bit"}, getenv("COLORTERM")):
		return TrueColour
	case strings.Contains(term, "256color"):
		return Colour256
	}
	return Colour16
}

// ChildColours are environment variables for commands whose output is shown by a terminal with colours. There are none
// if the user has said something about colours to these commands too.
func ChildColours(mode ColourMode, terminal bool, getenv func(string) string) []string {
	if getenv("NO_COLOR") != "" || getenv("FORCE_COLOR") != "" || mode != ColourAlways && !terminal ||
		ColourOf(mode, terminal, getenv) == NoColour {
		return nil
	}
	return []string{"FORCE_COLOR=1"}
}

// Truthy reports whether the value of an environment variable such as CI says yes: any but "", "0" and "false".
func Truthy(value string) bool {
	return value != "" && value != "0" && !strings.EqualFold(value, "false")
}

// The parameters of SGR for what this package marks.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	dim    = "2"
)

// Paint returns a text in a colour, given as parameters of SGR, if the style has colours.
func (s Style) Paint(sgr, text string) string {
	if s.Colour == NoColour || sgr == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}
