// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"tilt.dev/session/pkg/logs"
)

// printLogs prints the lines of a run as they come, each with the name of its
// resource in front, until ctx is done or the store is closed. What can't be
// printed ends it with an error.
func printLogs(ctx context.Context, w io.Writer, lines *logs.Store) error {
	out := bufio.NewWriterSize(w, 64<<10)
	var text []byte
	for line, missed := range lines.Follow(ctx, 0) {
		if missed > 0 {
			fmt.Fprintf(out, "[%d lines were written faster than they could be printed, and are missing here]\n", missed)
		}
		text = line.AppendText(text[:0])
		out.Write(text)
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
