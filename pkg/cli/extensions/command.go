// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package extensions has the commands for the extension repositories on this machine.
package extensions

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/printers"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/tiltfile/extension"
)

// NewCommand returns the command extensions with its subcommands.
func NewCommand(p command.Program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "extensions",
		Short: "List, update or pin the extension repositories on this machine",
		Long: `load('ext://NAME', ...) in a Tiltfile fetches the repository of the extension once.
Nothing updates it from then on but "extensions update". A repository is named as
"extensions list" shows it, HOST/PATH or HOST/PATH@REF, or by its URL.

TILT_SESSION_EXTENSIONS=offline forbids the network, and
TILT_SESSION_EXTENSIONS_MIRROR=URL has https://HOST/PATH fetched from URL/HOST/PATH.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c := &extensionsCommand{p}
	cmd.AddCommand(
		c.command("list", "List the repositories with their refs and commits", cobra.NoArgs, c.list),
		c.command("update [REPOSITORY...]", "Fetch the newest commits of repositories, by default of all that are here",
			cobra.ArbitraryArgs, c.update),
		c.command("pin [REPOSITORY...]", "Print the lines of a Tiltfile that keep repositories at their present commits",
			cobra.ArbitraryArgs, c.pin),
	)
	return cmd
}

// extensionsCommand works on the repositories of this user.
type extensionsCommand struct{ program command.Program }

// command returns one of the subcommands. A signal cancels its work.
func (c *extensionsCommand) command(
	use, short string,
	args cobra.PositionalArgs,
	work func(context.Context, *extension.Store, []extension.Repository) error,
) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		var named []extension.Repository
		for _, arg := range args {
			r, err := extension.ParseRepository(arg)
			if err != nil {
				return command.WrongUsage(cmd, err)
			}
			named = append(named, r)
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		say := func(line string) { fmt.Fprintln(c.program.Streams.ErrOut, line) }
		return command.Failed(host.WithExtensions(ctx, say, c.program.Warn,
			func(ctx context.Context, store *extension.Store) error { return work(ctx, store, named) }))
	}}
}

// clones returns the named repositories on this machine, or all of them. It warns of what can't be used.
func (c *extensionsCommand) clones(
	ctx context.Context, store *extension.Store, named []extension.Repository,
) ([]extension.Clone, error) {
	all, problems, err := store.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the extension repositories in %s: %w", store.Root, err)
	}
	if len(named) == 0 {
		for _, problem := range problems {
			c.program.Warn(problem)
		}
		return all, nil
	}
	var found []extension.Clone
	for _, r := range named {
		before := len(found)
		for _, clone := range all {
			if clone.String() == r.String() {
				found = append(found, clone)
			}
		}
		if len(found) == before {
			return nil, fmt.Errorf("the extension repository %s is not on this machine; "+
				"run \"tilt-session extensions update %s\" to fetch it", r, r)
		}
	}
	return found, nil
}

func (c *extensionsCommand) list(ctx context.Context, store *extension.Store, _ []extension.Repository) error {
	clones, err := c.clones(ctx, store, nil)
	if err != nil {
		return err
	}
	if len(clones) == 0 {
		fmt.Fprintf(c.program.Streams.ErrOut, "No extension repositories in %s\n", store.Root)
		return nil
	}
	out := printers.GetNewTabWriter(c.program.Streams.Out)
	fmt.Fprintln(out, "REPOSITORY\tCOMMIT\tDATE\tDIRECTORY")
	for _, clone := range clones {
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", clone, short(clone.Commit), clone.Date, clone.Directory)
	}
	return command.Printed(out.Flush())
}

// short returns the beginning of the name of a commit, for people.
func short(commit string) string { return commit[:min(12, len(commit))] }

func (c *extensionsCommand) update(
	ctx context.Context, store *extension.Store, named []extension.Repository,
) error {
	if len(named) == 0 {
		clones, err := c.clones(ctx, store, nil)
		if err != nil {
			return err
		}
		for _, clone := range clones {
			named = append(named, clone.Repository)
		}
	}
	var failures []error
	for _, r := range named {
		before, after, err := store.Update(ctx, r)
		var line string
		switch {
		case ctx.Err() != nil:
			return errors.Join(append(failures, context.Cause(ctx))...)
		case err != nil:
			failures = append(failures, err)
			continue
		case before == after:
			line = "stays at " + short(after)
		case before == "":
			line = "is at " + short(after)
		default:
			line = "is at " + short(after) + ", was at " + short(before)
		}
		if _, err := fmt.Fprintf(c.program.Streams.Out, "%s %s\n", r, line); err != nil {
			return command.Printed(err)
		}
	}
	return errors.Join(failures...)
}

func (c *extensionsCommand) pin(ctx context.Context, store *extension.Store, named []extension.Repository) error {
	clones, err := c.clones(ctx, store, named)
	if err != nil {
		return err
	}
	for _, clone := range clones {
		if clone.Ref != "" && len(named) == 0 {
			continue // A Tiltfile has its line already.
		}
		name := strings.TrimSuffix(path.Base(clone.URL), ".git")
		if clone.URL == extension.DefaultURL {
			name = "default"
		}
		_, err := fmt.Fprintf(c.program.Streams.Out, "v1alpha1.extension_repo(name='%s', url='%s', ref='%s')\n",
			name, clone.URL, clone.Commit)
		if err != nil {
			return command.Printed(err)
		}
	}
	return nil
}
