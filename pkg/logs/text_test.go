// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"testing"
)

func TestLines(t *testing.T) {
	for want, line := range map[string]Line{
		"          web │ hello\n":            {Source: "web", Text: "hello"},
		"\n":                                 {Source: "(Tiltfile)"},
		"hello\n":                            {Source: "(Tiltfile)", Text: "hello"},
		"ERROR: no\n":                        {Source: "(Tiltfile)", Level: LevelError, Text: "no"},
		"ERROR: no\nmore\n":                  {Source: "(Tiltfile)", Level: LevelError, Text: "no\nmore"},
		"          web │ WARNING: so so\n":   {Source: "web", Level: LevelWarn, Text: "so so"},
		"thirteenchars │ a\n":                {Source: "thirteenchars", Text: "a"},
		"fourteenchars! │ a\n":               {Source: "fourteenchars!", Text: "a"},
		"          web │ ▶ run: a b\n":       {Source: "web", Text: "Running cmd: a b"},
		"       仕事場 │ a\n":                   {Source: "仕事場", Text: "a"},
		"         wöb2 │ a\n":                {Source: "wöb2", Text: "a"},
		"          web │ \x1b[31m\x00\xff\n": {Source: "web", Text: "\x1b[31m\x00\xff"},
	} {
		s := newStore(1 << 20)
		s.Append(line.Source, line.Level, line.Text)
		if got := printed(t, s, Selection{}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
