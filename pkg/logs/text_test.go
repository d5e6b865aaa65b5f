// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import "testing"

func TestAppendText(t *testing.T) {
	for want, line := range map[string]Line{
		"          web │ hello\n":            {Source: "web", Text: "hello"},
		"          web │ \n":                 {Source: "web"},
		"hello\n":                            {Source: "(Tiltfile)", Text: "hello"},
		"ERROR: no\n":                        {Source: "(Tiltfile)", Level: LevelError, Text: "no"},
		"more\n":                             {Source: "(Tiltfile)", Level: LevelError, Continued: true, Text: "more"},
		"          web │ WARNING: so so\n":   {Source: "web", Level: LevelWarn, Text: "so so"},
		"thirteenchars │ a\n":                {Source: "thirteenchars", Text: "a"},
		"fourteenchar… │ a\n":                {Source: "fourteenchars!", Text: "a"},
		"         wöb2 │ a\n":                {Source: "wöb2", Text: "a"},
		"          web │ \x1b[31m\x00\xff\n": {Source: "web", Text: "\x1b[31m\x00\xff"},
	} {
		if got := string(line.AppendText(nil)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := string(Line{Source: "(Tiltfile)", Text: "b"}.AppendText([]byte("a\n"))); got != "a\nb\n" {
		t.Errorf("appended: %q", got)
	}
}
