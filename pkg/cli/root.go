// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cli has the commands of tilt-session: flags become options, options
// become a run, and what a person reads is printed here and nowhere else.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// Program is what the commands take from the process they run in.
type Program struct {
	// Streams are where commands read from and print to.
	Streams genericiooptions.IOStreams
	// Version is the program's own version, a semantic version with a "v".
	Version string
	// Notify has the signals that ask the program to end delivered from then on,
	// where they would have ended it. A run calls it, once: the first signal ends
	// the run in an orderly way, the next one at once. Other commands leave
	// signals as they are.
	Notify func() <-chan os.Signal
}

// Execute runs the command that args ask for and returns when everything that
// it started has ended. Errors are already printed; ExitCode tells what the
// process should exit with.
func Execute(ctx context.Context, p Program, args []string) error {
	root := newRootCommand(p)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return nil
	}
	if ran := new(codedError); !errors.As(err, &ran) {
		err = wrongUsage(cmd, err)
	}
	printError(p.Streams.ErrOut, err)
	return err
}

func newRootCommand(p Program) *cobra.Command {
	root := &cobra.Command{
		Use:   "tilt-session",
		Short: "Run the jobs and servers of a Tiltfile behind a Kubernetes-style API",
		Long: `tilt-session runs the jobs and servers of a Tiltfile and serves their state as
the resource sessions.tilt.dev/v1alpha1, for kubectl, client-go and tilt.

` + exitCodesHelp,
		Args:              cobra.NoArgs,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		Version:           p.Version,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(p.Streams.In)
	root.SetOut(p.Streams.Out)
	root.SetErr(p.Streams.ErrOut)
	root.SetVersionTemplate("{{.Version}}\n")
	// As for kubectl, -v is the level of the log.
	root.Flags().Bool("version", false, "print the version")
	root.SetFlagErrorFunc(wrongFlag)

	run := &cobra.Group{ID: "run", Title: "Run a Tiltfile:"}
	look := &cobra.Group{ID: "look", Title: "Look at a running Session, and change it:"}
	root.AddGroup(run, look)
	addTo(root, run, newCICommand(p), newUpCommand(p), newServeCommand(p))
	addTo(root, look, newTriggerCommand(p), newEnableCommand(p), newDisableCommand(p), newArgsCommand(p),
		newLogsCommand(p), newKubeconfigCommand(p))
	addTo(root, look, newKubectlCommands(p)...)
	root.AddCommand(newStorageCommand(p), newVersionCommand(p), newGuardCommand(p))
	return root
}

// wrongUsage is an error that says where the right usage can be read.
func wrongUsage(cmd *cobra.Command, err error) error {
	return withCode(ExitUsage, "%w\nSee '%s --help'.", err, cmd.CommandPath())
}

func addTo(root *cobra.Command, group *cobra.Group, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = group.ID
		root.AddCommand(c)
	}
}

func printError(w io.Writer, err error) {
	if msg := err.Error(); msg != "" {
		fmt.Fprintf(w, "Error: %s\n", strings.TrimSuffix(msg, "\n"))
	}
}
