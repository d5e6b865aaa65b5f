// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cli has the root command of tilt-session. Its commands are in packages of
// their own, by what a user does: run, serve, verbs, extensions, storage and doctor.
package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/cli/doctor"
	"tilt.dev/session/pkg/cli/extensions"
	"tilt.dev/session/pkg/cli/run"
	"tilt.dev/session/pkg/cli/serve"
	"tilt.dev/session/pkg/cli/storage"
	"tilt.dev/session/pkg/cli/verbs"
)

// Execute runs the command that args ask for and returns when everything that it
// started has ended. Errors are printed; the ExitCode of p returns the exit code for them.
func Execute(ctx context.Context, p command.Program, args []string) error {
	root := newRootCommand(p)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !command.HasCode(err) {
		err = command.WrongUsage(cmd, err) // It's an error of cobra's.
	}
	if err != nil && err.Error() != "" {
		fmt.Fprintf(p.Streams.ErrOut, "Error: %s\n", strings.TrimSuffix(err.Error(), "\n"))
	}
	return err
}

func newRootCommand(p command.Program) *cobra.Command {
	root := &cobra.Command{
		Use:   p.Name(),
		Short: "Run a Tiltfile behind a Kubernetes-style API",
		Long: `tilt-session runs the jobs and servers of a Tiltfile, builds its images and deploys
its Kubernetes workloads. It serves their state as the resource
sessions.tilt.dev/v1alpha1, for kubectl, client-go and tilt.

` + command.ExitCodesHelp,
		Args:              cobra.NoArgs,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		Version:           p.Version,
		PersistentPreRunE: command.Prepare,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(p.Streams.In)
	root.SetOut(p.Streams.Out)
	root.SetErr(p.Streams.ErrOut)
	root.SetVersionTemplate("{{.Version}}\n")
	// Without this, cobra would make -v short for --version.
	root.Flags().Bool("version", false, "print the version")
	root.SetFlagErrorFunc(command.WrongFlag)

	running := &cobra.Group{ID: "run", Title: "Run a Tiltfile:"}
	looking := &cobra.Group{ID: "look", Title: "Read and change a running Session:"}
	root.AddGroup(running, looking)
	addTo(root, running, run.NewCICommand(p), run.NewUpCommand(p), run.NewDownCommand(p), serve.NewCommand(p),
		serve.NewRunnerCommand(p))
	addTo(root, looking, verbs.NewCommands(p)...)
	root.AddCommand(doctor.NewCommand(p), extensions.NewCommand(p), storage.NewCommand(p), verbs.NewVersionCommand(p),
		run.NewGuardCommand(p))
	if p.Tilt {
		asTilt(root, p)
	} else {
		addTo(root, running, run.NewStopCommand(p), run.NewTiltfileResultCommand(p))
	}
	return root
}

func addTo(root *cobra.Command, group *cobra.Group, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = group.ID
		root.AddCommand(c)
	}
}
