// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package verbs has the commands that read and change the Sessions of a running
// server: our own on the subresources of a Session, and kubectl's.
package verbs

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"tilt.dev/session/pkg/cli/command"
)

// NewCommands returns the commands.
func NewCommands(p command.Program) []*cobra.Command {
	return append([]*cobra.Command{
		newTriggerCommand(p), newEnableCommand(p), newDisableCommand(p),
		newArgsCommand(p), newLogsCommand(p), newKubeconfigCommand(p),
	}, newKubectlCommands(p)...)
}

// NewVersionCommand returns the command version.
func NewVersionCommand(p command.Program) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(p.Streams.Out, "%s, %s %s/%s\n", p.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return command.Printed(err)
		},
	}
}
