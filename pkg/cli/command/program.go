// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package command has what the commands of tilt-session share: the process that
// they run in, exit codes, and the flags that name a server or a data directory.
package command

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"tilt.dev/session/pkg/host"
)

// Program is what the commands take from the process that they run in.
type Program struct {
	// Streams are where commands read from and print to.
	Streams genericiooptions.IOStreams
	// Version is the program's own version, a semantic version with a "v".
	Version string
	// Notify delivers from then on the signals that ask the program to end, which would have ended it before. A
	// command that runs or serves Sessions calls it, once: the first signal ends the command in order, the next one
	// at once. Other commands leave signals as they are.
	Notify func() <-chan os.Signal
}

// Warn prints what goes wrong without ending the command.
func (p Program) Warn(err error) {
	fmt.Fprintf(p.Streams.ErrOut, "Warning: %v\n", err)
}

// Group returns a group for the parts of this process.
func (p Program) Group() *host.Group {
	return &host.Group{
		Signals: p.Notify(),
		Notice:  func(text string) { fmt.Fprintln(p.Streams.ErrOut, text) },
	}
}

// WrongUsage is an error that says where the right usage is described.
func WrongUsage(cmd *cobra.Command, err error) error {
	return WithCode(ExitUsage, "%w\nSee '%s --help'.", err, cmd.CommandPath())
}
