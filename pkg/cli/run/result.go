// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/model"
)

// NewTiltfileResultCommand returns the command tiltfile-result.
func NewTiltfileResultCommand(p command.Program) *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:   "tiltfile-result [flags] [RESOURCE...] [-- TILTFILE-ARGUMENT...]",
		Short: "Evaluate a Tiltfile and print what it defines as JSON",
		Long: `Evaluates a Tiltfile, runs what it calls with local(), and prints what it defines
as JSON, with the field names of Tilt. The log of the evaluation is printed on
stderr if it fails, or with --verbose. An error in the Tiltfile has exit code 2,
and 5 in "tilt alpha tiltfile-result".`,
		Example: `  tilt-session tiltfile-result | jq -r '.Manifests[].Name'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.completeTiltfile(args); err != nil {
				return err
			}
			verbose, err := cmd.Flags().GetBool("verbose")
			if err != nil {
				return command.WithCode(command.ExitUsage, "%w", err)
			}
			return o.printResult(cmd.Context(), p, verbose)
		},
	}
	addFile(cmd.Flags(), &o.file)
	o.targets.AddFlags(cmd.Flags())
	if !p.Tilt { // There every command has it.
		cmd.Flags().Bool("verbose", false, "print the log of the evaluation on stderr")
	}
	return cmd
}

// resultSubcommand is what the Tiltfile sees as config.tilt_subcommand, as in Tilt.
const resultSubcommand = "alpha tiltfile-result"

func (o *options) printResult(ctx context.Context, p command.Program, verbose bool) error {
	if err := command.DirectLog(p.Streams.ErrOut, 0); err != nil {
		return command.Failed(err)
	}
	out := newConsole(p, &terminal{}, false)
	evaluation := host.Evaluation{
		Engines:    host.Engines{OpenFiles: true, MaxDataSize: o.maxDataSize, Targets: o.targets.Targets},
		Subcommand: resultSubcommand,
		Tiltfile:   o.file,
		Args:       o.args,
		Log:        out.logs,
		Warn:       p.Warn,
	}
	var project model.Project
	err, _ := p.Group().Run(ctx, nil, func(ctx context.Context) (err error) {
		project, err = evaluation.Run(ctx)
		return err
	})
	out.logs.Close()
	if err != nil || verbose {
		if err := out.printLogs(context.WithoutCancel(ctx), p.Streams.ErrOut); err != nil {
			return command.Printed(err)
		}
	}
	signal := new(host.SignalError)
	switch {
	case errors.As(err, &signal):
		return o.signalled(signal)
	case errors.As(err, new(*host.TiltfileError)) && p.Tilt:
		fmt.Fprintln(p.Streams.ErrOut, err)
		return command.WithoutMessage(command.ExitTiltfileResult)
	case errors.As(err, new(*host.TiltfileError)):
		return command.WithCode(command.ExitUsage, "%w", err)
	case err != nil:
		return command.Failed(err)
	}
	result, err := newTiltfileResult(&project)
	if err != nil {
		return command.WithCode(command.ExitFailure, "%w", err)
	}
	encoder := json.NewEncoder(p.Streams.Out)
	encoder.SetIndent("", "  ")
	return command.Printed(encoder.Encode(result))
}
