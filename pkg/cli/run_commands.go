// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/spf13/cobra"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/model"
)

func newCICommand(p Program) *cobra.Command {
	o := &runOptions{exitCondition: v1alpha1.ExitConditionCI}
	cmd := &cobra.Command{
		Use:   "ci [flags] [RESOURCE...] [-- TILTFILE-ARGUMENT...]",
		Short: "Run a Tiltfile until all jobs have succeeded and all servers are ready, or one fails",
		Long: `Runs the resources of a Tiltfile and ends with a verdict: success as soon as
every job has succeeded and every server is ready, failure at the first job or
server that fails or when a timeout passes. Servers are stopped at the end.

While it runs, its state is served as the Session "Tiltfile".

` + exitCodesHelp,
		Example: `  # Run everything in ./Tiltfile
  tilt-session ci

  # Only "web" and what it depends on, for ten minutes at most
  tilt-session ci --timeout 10m web`,
		RunE: o.runE(p),
	}
	o.addFlags(cmd)
	cmd.Flags().DurationVar(&o.timeout, "timeout", model.DefaultTimeout,
		"how long the run may take, 0 for no limit; ci_settings(timeout=...) in the Tiltfile goes before it")
	cmd.Flags().BoolVar(&o.keepGoing, "keep-going", false,
		"after a failure let everything finish that doesn't depend on it, and report all failures")
	return cmd
}

func newUpCommand(p Program) *cobra.Command {
	o := &runOptions{exitCondition: v1alpha1.ExitConditionManual}
	cmd := &cobra.Command{
		Use:   "up [flags] [RESOURCE...] [-- TILTFILE-ARGUMENT...]",
		Short: "Keep the resources of a Tiltfile running until Ctrl-C",
		Long: `Runs the resources of a Tiltfile and keeps its servers running until a signal
ends it. A failing resource or Tiltfile doesn't end it.

While it runs, its state is served as the Session "Tiltfile".

` + exitCodesHelp,
		RunE: o.runE(p),
	}
	o.addFlags(cmd)
	// Tilt shows a prompt without it.
	cmd.Flags().Bool("stream", true, "stream the output of all resources (always on)")
	return cmd
}

// runE completes the options and runs the Tiltfile.
func (o *runOptions) runE(p Program) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := o.complete(cmd, args); err != nil {
			return err
		}
		return run(cmd.Context(), p, o)
	}
}
