// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package storage has the commands for a data directory that no server uses.
package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/storage/offline"
)

// worthCompacting is the size of a file in bytes from which check suggests to compact it.
const worthCompacting = 1 << 20

// NewCommand returns the command storage with its subcommands.
func NewCommand(p command.Program) *cobra.Command {
	cmd := command.Parent("storage", "Check, compact, export or import the data directory of a stopped server")
	c := &storageCommand{program: p}
	cmd.PersistentFlags().StringVar(&c.dir, command.DataDirFlag, "",
		"directory of the file storage (default $XDG_STATE_HOME/tilt-session, or ~/.local/state/tilt-session)")
	cmd.AddCommand(
		c.command("check", "Read all entries of the file and report problems", cobra.NoArgs, c.check),
		c.command("compact", "Rewrite the file without its free space", cobra.NoArgs, c.compact),
		c.command("export [FILE]", "Write all Sessions as JSON Lines to a new file, or to the standard output",
			cobra.MaximumNArgs(1), c.export),
		c.command("import [FILE]", "Fill an empty directory with exported Sessions from a file, or from the standard input",
			cobra.MaximumNArgs(1), c.importAll),
	)
	return cmd
}

// storageCommand works on a data directory.
type storageCommand struct {
	program command.Program
	dir     string
}

// command returns one of the subcommands. A signal cancels its work.
func (c *storageCommand) command(
	use, short string,
	args cobra.PositionalArgs,
	work func(context.Context, offline.Options, string) error,
) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		options, err := c.options(cmd)
		if err != nil {
			return err
		}
		file := ""
		if len(args) > 0 {
			if file = args[0]; command.IsBlank(file) {
				return command.WithCode(command.ExitUsage, "FILE must not be empty; omit it for the standard input or output")
			}
		}
		err = work(ctx, options, file)
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			return command.WithCode(command.ExitFailure, "interrupted; %s is unchanged", options.Dir)
		}
		return err
	}}
}

func (c *storageCommand) options(cmd *cobra.Command) (options offline.Options, err error) {
	if err := command.CompleteDataDir(cmd, &c.dir); err != nil {
		return options, command.WithCode(command.ExitUsage, "%w", err)
	}
	options.Dir = c.dir
	if options.Codec, err = apiserver.StorageCodec(); err != nil {
		return options, command.WithCode(command.ExitFailure, "%w", err)
	}
	return options, nil
}

func (c *storageCommand) check(ctx context.Context, options offline.Options, _ string) error {
	report, err := offline.Check(ctx, options)
	if err != nil {
		return command.WithCode(command.ExitFailure, "%w", err)
	}
	var out strings.Builder
	for _, problem := range report.Problems {
		fmt.Fprintln(&out, problem)
	}
	fmt.Fprintf(&out, "%s: %d objects in %d versions at revision %d, history from %d; %d bytes, %d of them free\n",
		options.Dir, report.Keys, report.Versions, report.Revision, report.Compacted, report.Size, report.Free)
	if report.Size > worthCompacting && report.Free > report.Size/2 {
		fmt.Fprintln(&out, `"tilt-session storage compact" returns most of the free space to the disk`)
	}
	if _, err := io.WriteString(c.program.Streams.Out, out.String()); err != nil {
		return command.Printed(err)
	}
	if n := len(report.Problems); n > 0 {
		return command.WithCode(command.ExitFailure,
			`%d problems. Restore a backup of the directory, or import an earlier "storage export" into a new one:
  tilt-session storage import --data-dir %s sessions.jsonl
"bbolt surgery" can repair pages of a copy of storage.db`, n, quoted(options.Dir+".new"))
	}
	return nil
}

func (c *storageCommand) compact(ctx context.Context, options offline.Options, _ string) error {
	before, after, err := offline.Compact(ctx, options)
	if err != nil {
		return command.WithCode(command.ExitFailure, "%w", err)
	}
	_, err = fmt.Fprintf(c.program.Streams.Out, "%s: %d bytes, %d before\n", options.Dir, after, before)
	return command.Printed(err)
}

// quoted returns an argument quoted for a shell.
func quoted(argument string) string {
	return "'" + strings.ReplaceAll(argument, "'", `'\''`) + "'"
}

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
