// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package run has the commands that run one Tiltfile, ci and up: each composes an API in memory with a runner of
// one Session, creates that Session, and waits for its verdict or for a signal.
package run

import (
	"github.com/spf13/cobra"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// NewCICommand returns the command ci.
func NewCICommand(p command.Program) *cobra.Command {
	o := &options{exitCondition: v1alpha1.ExitConditionCI}
	cmd := &cobra.Command{
		Use:   "ci [flags] [RESOURCE...] [-- TILTFILE-ARGUMENT...]",
		Short: "Run a Tiltfile until all jobs have succeeded and all servers are ready, or one fails",
		Long: `Runs the resources of a Tiltfile and ends with a verdict: success as soon as
every job has succeeded and every server is ready, failure at the first job or
server that fails or when a timeout passes. Servers are stopped at the end.

While it runs, its state is served as the Session "Tiltfile".

` + command.ExitCodesHelp,
		Example: `  # Run everything in ./Tiltfile
  tilt-session ci

  # Only "web" and what it depends on, for ten minutes at most
  tilt-session ci --timeout 10m web`,
		RunE: o.runE(p),
	}
	o.addFlags(cmd)
	cmd.Flags().DurationVar(&o.timeout, "timeout", model.DefaultTimeout,
		"how long the run may take, 0 for no limit; ci_settings(timeout=...) in the Tiltfile takes precedence")
	cmd.Flags().BoolVar(&o.keepGoing, "keep-going", false,
		"after a failure finish everything that doesn't depend on it, and report all failures")
	cmd.Flags().DurationVar(&o.linger, "linger", 0,
		"how long the API stays up after the verdict, so that scripts can read the final Session; a signal ends it")
	return cmd
}

// NewUpCommand returns the command up.
func NewUpCommand(p command.Program) *cobra.Command {
	o := &options{exitCondition: v1alpha1.ExitConditionManual}
	cmd := &cobra.Command{
		Use:   "up [flags] [RESOURCE...] [-- TILTFILE-ARGUMENT...]",
		Short: "Keep the resources of a Tiltfile running until Ctrl-C",
		Long: `Runs the resources of a Tiltfile and keeps its servers running until a signal
ends it. A failing resource or Tiltfile doesn't end it.

While it runs, its state is served as the Session "Tiltfile".

` + command.ExitCodesHelp,
		RunE: o.runE(p),
	}
	o.addFlags(cmd)
	// Without it Tilt shows a prompt.
	cmd.Flags().Bool("stream", true, "stream the output of all resources (always on)")
	return cmd
}

// runE completes the options and runs the Tiltfile.
func (o *options) runE(p command.Program) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := o.complete(args); err != nil {
			return err
		}
		return o.run(cmd.Context(), p)
	}
}

// NewGuardCommand returns the command that waits for the end of the process that
// started it and kills the processes that it left behind.
func NewGuardCommand(p command.Program) *cobra.Command {
	return &cobra.Command{
		Use:    host.GuardCommand,
		Short:  "Kill the processes of a run that was killed (started by up, ci and serve)",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(*cobra.Command, []string) error {
			return command.Failed(process.Guard(p.Streams.In))
		},
	}
}
