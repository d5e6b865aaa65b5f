// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"

	"tilt.dev/session/pkg/logs"
)

// printLogs prints the lines of a run as they come, each with the name of its
// resource in front, until ctx is done or the store is closed. What can't be
// printed ends it with an error. A line isn't kept from a person, but when more
// are waiting they go together.
func printLogs(ctx context.Context, w io.Writer, lines *logs.Store) error {
	everything := logs.Selection{Until: make(chan struct{})}
	printer := logs.NewPrinter(w, false)
	for batch := range lines.Read(ctx, everything) {
		if err := printer.Print(batch); err != nil {
			return fmt.Errorf("print the output of the resources: %w", err)
		}
	}
	if err := printer.Close(); err != nil {
		return fmt.Errorf("print the output of the resources: %w", err)
	}
	return nil
}
