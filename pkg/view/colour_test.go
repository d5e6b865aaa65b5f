// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"strings"
	"testing"
)

// environment returns a lookup in words such as "A=b C=d".
func environment(words string) func(string) string {
	return func(key string) string {
		for _, word := range strings.Fields(words) {
			if name, value, _ := strings.Cut(word, "="); name == key {
				return value
			}
		}
		return ""
	}
}

// TestColour is the order of decision: each row differs in one thing from one above it.
func TestColour(t *testing.T) {
	const yes = "FORCE_COLOR=1"
	for _, test := range []struct {
		mode     ColourMode
		terminal bool
		env      string
		want     Colour
		child    string
	}{
		{"auto", false, "", NoColour, ""},
		{"auto", true, "", Colour16, yes},
		{"auto", true, "TERM=xterm-256color", Colour256, yes},
		{"auto", true, "TERM=xterm-256color COLORTERM=truecolor", TrueColour, yes},
		{"auto", true, "TERM=dumb", NoColour, ""},
		{"auto", true, "NO_COLOR=1", NoColour, ""},
		{"auto", true, "NO_COLOR=", Colour16, yes},
		{"auto", true, "NO_COLOR=0", NoColour, ""},
		{"auto", true, "CLICOLOR=0", NoColour, ""},
		{"auto", true, "CLICOLOR=1", Colour16, yes},
		{"auto", false, "CLICOLOR=1", NoColour, ""},
		{"auto", false, "FORCE_COLOR=1", Colour16, ""},
		{"auto", false, "FORCE_COLOR=true TERM=dumb", Colour16, ""},
		{"auto", false, "FORCE_COLOR=1 NO_COLOR=1", NoColour, ""},
		{"auto", true, "FORCE_COLOR=0", NoColour, ""},
		{"auto", true, "FORCE_COLOR=0 CLICOLOR_FORCE=1", NoColour, ""},
		{"auto", false, "CLICOLOR_FORCE=1", Colour16, ""},
		{"auto", false, "CLICOLOR_FORCE=0", NoColour, ""},
		{"auto", false, "CLICOLOR_FORCE=1 NO_COLOR=1", NoColour, ""},
		{"auto", false, "GITHUB_ACTIONS=true", Colour16, ""},
		{"auto", false, "GITLAB_CI=true CLICOLOR=0", Colour16, ""},
		{"auto", false, "BUILDKITE=true", Colour16, ""},
		{"auto", false, "BUILDKITE=false", NoColour, ""},
		{"auto", false, "CI=true", NoColour, ""},
		{"auto", false, "GITHUB_ACTIONS=true NO_COLOR=1", NoColour, ""},
		{"auto", false, "GITHUB_ACTIONS=true TERM=dumb", NoColour, ""},
		{"always", false, "", Colour16, yes},
		{"always", false, "NO_COLOR=1", Colour16, ""},
		{"always", false, "FORCE_COLOR=0", Colour16, ""},
		{"always", false, "TERM=dumb", Colour16, yes},
		{"never", true, "", NoColour, ""},
		{"never", true, "FORCE_COLOR=1", NoColour, ""},
		{"never", false, "GITHUB_ACTIONS=true", NoColour, ""},
	} {
		getenv := environment(test.env)
		if got := ColourOf(test.mode, test.terminal, getenv); got != test.want {
			t.Errorf("--color=%s, terminal %v, %q: %d, want %d", test.mode, test.terminal, test.env, got, test.want)
		}
		if got := strings.Join(ChildColours(test.mode, test.terminal, getenv), " "); got != test.child {
			t.Errorf("--color=%s, terminal %v, %q: commands get %q, want %q",
				test.mode, test.terminal, test.env, got, test.child)
		}
	}
}

func TestTruthy(t *testing.T) {
	for value, want := range map[string]bool{
		"": false, "0": false, "false": false, "False": false, "1": true, "true": true, "yes": true, "no": true,
	} {
		if Truthy(value) != want {
			t.Errorf("%q: %v", value, !want)
		}
	}
}

func TestASCII(t *testing.T) {
	for env, want := range map[string]bool{
		"": false, "LANG=en_US.UTF-8": false, "LANG=C": true, "LANG=C LC_ALL=C.utf8": false, "LC_CTYPE=UTF-8": false,
		"LANG=de_DE.ISO-8859-1": true, "LANG=en_US.UTF-8 TERM=linux": true, "LC_ALL=POSIX LANG=en_US.UTF-8": true,
	} {
		if ASCII(environment(env)) != want {
			t.Errorf("%q: %v", env, !want)
		}
	}
}
