// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"strings"
	"unicode/utf8"

	"tilt.dev/session/pkg/model"
)

// prefixWidth is how many characters of a resource's name are shown.
const prefixWidth = 13

// prefix names the resource that a line belongs to, right-aligned as Tilt does
// it. Lines of the Tiltfile have none.
func prefix(source string) string {
	if source == model.TiltfileResource {
		return ""
	}
	if n := utf8.RuneCountInString(source); n > prefixWidth {
		source = string([]rune(source)[:prefixWidth-1]) + "…"
	} else {
		source = strings.Repeat(" ", prefixWidth-n) + source
	}
	return source + " │ "
}

// severity marks the beginning of an error or a warning.
func severity(line Line) string {
	switch {
	case line.Continued:
		return ""
	case line.Level == LevelError:
		return "ERROR: "
	case line.Level == LevelWarn:
		return "WARNING: "
	default:
		return ""
	}
}
