// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"fmt"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/text"
)

// prefixWidth is how many characters of a resource's name are shown.
const prefixWidth = 13

// prefix is the name of a line's resource, right-aligned as Tilt aligns it. Lines of the Tiltfile have none.
func prefix(source string) string {
	if source == model.TiltfileResource {
		return ""
	}
	return fmt.Sprintf("%*s │ ", prefixWidth, text.Cut(source, prefixWidth))
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
