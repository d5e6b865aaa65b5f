// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"fmt"
	"io"
	"os"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/storage/offline"
)

func (c *storageCommand) importAll(ctx context.Context, options offline.Options, file string) error {
	from := c.program.Streams.In
	if file != "" {
		in, err := os.Open(file)
		if err != nil {
			return command.Failed(err)
		}
		defer in.Close()
		from = io.Reader(in)
	}
	input := untilDone(ctx, from)
	defer input.Close()
	objects, err := offline.Import(ctx, options, v1alpha1.Resource("sessions"), input)
	if err != nil {
		return command.Failed(err)
	}
	_, err = fmt.Fprintf(c.program.Streams.Out, "%s: %d objects\n", options.Dir, objects)
	return command.Printed(err)
}

// untilDone reads from a terminal or a pipe until ctx is done. It does not wait
// for a read in progress, which only input ends. The caller closes the result.
func untilDone(ctx context.Context, from io.Reader) io.ReadCloser {
	input, output := io.Pipe()
	context.AfterFunc(ctx, func() { output.CloseWithError(ctx.Err()) })
	go func() {
		_, err := io.Copy(output, from)
		output.CloseWithError(err)
	}()
	return input
}
