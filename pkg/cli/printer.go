// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// printLogs prints the lines of a run as they come, each with the name of its
// resource in front, until ctx is done or the store is closed. What can't be
// printed ends it with an error.
func printLogs(ctx context.Context, w io.Writer, lines *logs.Store) error {
	out := bufio.NewWriterSize(w, 64<<10)
	for line, missed := range lines.Follow(ctx, 0) {
		if missed > 0 {
			fmt.Fprintf(out, "[%d lines were written faster than they could be printed, and are missing here]\n", missed)
		}
		out.WriteString(prefix(line.Source))
		out.WriteString(severity(line))
		out.WriteString(line.Text)
		out.WriteByte('\n')
		// A line isn't kept from a person, but when more are waiting they go together.
		if line.Seq < lines.Newest() {
			continue
		}
		if err := out.Flush(); err != nil {
			return fmt.Errorf("print the output of the resources: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("print the output of the resources: %w", err)
	}
	return nil
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
func severity(line logs.Line) string {
	switch {
	case line.Continued:
		return ""
	case line.Level == logs.LevelError:
		return "ERROR: "
	case line.Level == logs.LevelWarn:
		return "WARNING: "
	default:
		return ""
	}
}
