// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/storage/offline"
)

// progressEvery is the time between two reports of work that takes long.
const progressEvery = time.Second

// worthCompacting is the size of a file, in bytes, that can become a nuisance.
const worthCompacting = 1 << 20

// newStorageCommand has what can be done with a data directory while no server
// uses it.
func newStorageCommand(p Program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "storage",
		Short: "Check, compact, export or import the data directory of a server that doesn't run",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c := &storageCommand{program: p}
	cmd.PersistentFlags().StringVar(&c.dir, dataDirFlag, "", "the data directory (default $XDG_STATE_HOME/tilt-session, or ~/.local/state/tilt-session)")
	export := c.command("export [FILE]", "Write all Sessions as JSON Lines to a file that isn't there yet, or to the standard output", cobra.MaximumNArgs(1), c.export)
	export.Flags().BoolVar(&c.skipDamaged, "skip-damaged", false,
		fmt.Sprintf("of a damaged file, write what can be read and list on stderr what is lost; exit with %d if that's anything", ExitIncomplete))
	cmd.AddCommand(
		c.command("check", "Read everything and report what is wrong with it", cobra.NoArgs, c.check),
		c.command("compact", "Rewrite the file without what is free in it", cobra.NoArgs, c.compact),
		export,
		c.command("import [FILE]", "Fill an empty directory with the Sessions of an export, from a file or the standard input", cobra.MaximumNArgs(1), c.importAll),
	)
	return cmd
}

// storageCommand works on a data directory.
type storageCommand struct {
	program Program
	dir     string
	// skipDamaged has export write what can be read.
	skipDamaged bool
}

// command makes one of the commands. A signal ends its work in good order.
func (c *storageCommand) command(use, short string, args cobra.PositionalArgs, work func(context.Context, offline.Options, string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		options, err := c.options(cmd)
		if err != nil {
			return err
		}
		file := ""
		if len(args) > 0 {
			if file = args[0]; isBlank(file) {
				return withCode(ExitUsage, "FILE must not be empty; omit it for the standard input or output")
			}
		}
		err = work(ctx, options, file)
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			return withCode(ExitFailure, "interrupted before it was complete; %s is as it was", options.Dir)
		}
		return err
	}}
}

func (c *storageCommand) options(cmd *cobra.Command) (options offline.Options, err error) {
	if err := completeDir(cmd, &c.dir); err != nil {
		return options, withCode(ExitUsage, "%w", err)
	}
	options.Dir = c.dir
	if options.Codec, err = apiserver.StorageCodec(); err != nil {
		return options, withCode(ExitFailure, "%w", err)
	}
	options.Progress = c.progress()
	return options, nil
}

// progress tells a person how far work is that takes long.
func (c *storageCommand) progress() func(done, total int64) {
	last := time.Now()
	return func(done, total int64) {
		if now := time.Now(); now.Sub(last) >= progressEvery {
			last = now
			if total == 0 {
				fmt.Fprintf(c.program.Streams.ErrOut, "%d read\n", done)
				return
			}
			fmt.Fprintf(c.program.Streams.ErrOut, "%d of %d\n", done, total)
		}
	}
}

func (c *storageCommand) check(ctx context.Context, options offline.Options, _ string) error {
	report, err := offline.Check(ctx, options)
	if err != nil {
		return withCode(ExitFailure, "%w", err)
	}
	out := c.program.Streams.Out
	for _, problem := range report.Problems {
		if _, err := fmt.Fprintln(out, problem); err != nil {
			return printed(err)
		}
	}
	_, err = fmt.Fprintf(out, "%s: %d objects in %d versions at revision %d, history from %d; %d bytes, %d of them free\n",
		options.Dir, report.Keys, report.Versions, report.Revision, report.Compacted, report.Size, report.Free)
	if err != nil {
		return printed(err)
	}
	if report.Size > worthCompacting && report.Free > report.Size/2 {
		_, err := fmt.Fprintf(out, "\"tilt-session storage compact\" gives most of what is free back to the disk\n")
		if err != nil {
			return printed(err)
		}
	}
	if n := len(report.Problems); n > 0 {
		return withCode(ExitFailure, `%d problems. Restore the directory from a backup, or rescue what can be read of it and use a new one:
  tilt-session storage export --skip-damaged --data-dir %s rescued.jsonl
  tilt-session storage import --data-dir %s rescued.jsonl`, n, quoted(options.Dir), quoted(options.Dir+".rescued"))
	}
	return nil
}

func (c *storageCommand) compact(ctx context.Context, options offline.Options, _ string) error {
	before, after, err := offline.Compact(ctx, options)
	if err != nil {
		return withCode(ExitFailure, "%w", err)
	}
	_, err = fmt.Fprintf(c.program.Streams.Out, "%s: %d bytes, before %d\n", options.Dir, after, before)
	return printed(err)
}

// quoted is an argument as a shell takes it.
func quoted(argument string) string {
	return "'" + strings.ReplaceAll(argument, "'", `'\''`) + "'"
}

// failed is an error that's nobody's wrong usage.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return withCode(ExitFailure, "%w", err)
}
