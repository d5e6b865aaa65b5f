// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"tilt.dev/session/pkg/storage/bolt"
	"tilt.dev/session/pkg/storage/offline"
)

func (c *storageCommand) export(ctx context.Context, options offline.Options, file string) error {
	if file == "" {
		_, lost, err := c.write(ctx, options, c.program.Streams.Out)
		return errors.Join(failed(err), c.tell(lost))
	}
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return withCode(ExitFailure, "%s is there already: remove it, or name another file", file)
	}
	if err != nil {
		return failed(err)
	}
	objects, lost, err := c.write(ctx, options, out)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return failed(errors.Join(err, os.Remove(file)))
	}
	if _, err := fmt.Fprintf(c.program.Streams.Out, "%s: %d objects\n", file, objects); err != nil {
		return printed(err)
	}
	return c.tell(lost)
}

func (c *storageCommand) write(ctx context.Context, options offline.Options, to io.Writer) (objects int64, lost []bolt.Problem, err error) {
	if c.skipDamaged {
		return offline.Rescue(ctx, options, to)
	}
	objects, err = offline.Export(ctx, options, to)
	if errors.Is(err, bolt.ErrDamaged) {
		err = fmt.Errorf("%w; --skip-damaged writes what can be read", err)
	}
	return objects, nil, err
}

// tell lists what couldn't be exported.
func (c *storageCommand) tell(lost []bolt.Problem) error {
	for _, problem := range lost {
		fmt.Fprintln(c.program.Streams.ErrOut, problem)
	}
	if n := len(lost); n > 0 {
		return withCode(ExitIncomplete, "the export isn't complete: %d problems", n)
	}
	return nil
}
