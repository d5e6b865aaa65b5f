// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"tilt.dev/session/pkg/model"
)

// AppendText adds a line as people read it, and its end, to b: after the name
// of its resource and, if it begins a warning or an error, that it does.
func (l Line) AppendText(b []byte) []byte {
	b = append(b, prefix(l.Source)...)
	b = append(b, severity(l)...)
	b = append(b, l.Text...)
	return append(b, '\n')
}

// AppendMissed adds a note of lines that are missing, if there are any.
func AppendMissed(b []byte, source string, missed uint64) []byte {
	if missed == 0 {
		return b
	}
	return fmt.Appendf(b, "[%d lines of %s were written faster than they could be printed, and are missing here]\n", missed, source)
}

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
