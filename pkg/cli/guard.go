// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/spf13/cobra"

	"tilt.dev/session/pkg/process"
)

// guardCommand is what the program calls itself with to be its own guard.
const guardCommand = "process-guard"

// newGuardCommand waits for the run that started it to end, and kills what the
// run left behind if it died without ending its processes.
func newGuardCommand(p Program) *cobra.Command {
	return &cobra.Command{
		Use:    guardCommand,
		Short:  "End the processes of a run that was killed (started by up and ci)",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(*cobra.Command, []string) error {
			if err := process.Guard(p.Streams.In); err != nil {
				return withCode(ExitFailure, "guard: %w", err)
			}
			return nil
		},
	}
}

// guardEnv makes the guard's start take half the time, which the run's own start
// competes with. The packages of kubectl read the messages of the user's
// language as they are initialised, of which French has the fewest, and nothing
// that the guard keeps is worth a collection.
func guardEnv() []string { return []string{"LC_ALL=fr_FR.UTF-8", "GOGC=off"} }
