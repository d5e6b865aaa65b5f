// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/storage/offline"
)

func (c *storageCommand) export(ctx context.Context, options offline.Options, file string) error {
	if file == "" {
		_, err := offline.Export(ctx, options, c.program.Streams.Out)
		return command.Failed(err)
	}
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return command.WithCode(command.ExitFailure, "%s exists; remove it, or name another file", file)
	}
	if err != nil {
		return command.Failed(err)
	}
	objects, err := offline.Export(ctx, options, out)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return command.Failed(errors.Join(err, os.Remove(file)))
	}
	_, err = fmt.Fprintf(c.program.Streams.Out, "%s: %d objects\n", file, objects)
	return command.Printed(err)
}
