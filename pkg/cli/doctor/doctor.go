// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package doctor has the command that says which of the tools that a Tiltfile may need this machine has.
package doctor

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/tiltfile"
)

// limit is how long one check may take.
const limit = 10 * time.Second

// check is one thing to look for.
type check struct {
	name string
	// find returns what was found, or why it can't be used. It returns soon after ctx has ended.
	find func(ctx context.Context) (found string, err error)
	// advice says what to do if it can't be used, and what needs it.
	advice string
}

// NewCommand returns the command doctor.
func NewCommand(p command.Program) *cobra.Command {
	var targets command.Targets
	names := []string{}
	for _, c := range checks(&targets) {
		names = append(names, c.name)
	}
	cmd := &cobra.Command{
		Use:   "doctor [flags] [CHECK...]",
		Short: "Say which of the tools that a Tiltfile may need can be used",
		Long: `Says which of the tools that a Tiltfile may need can be used, with their versions,
and what to do for the others. Without arguments it checks everything and exits
with 0: few Tiltfiles need all. With arguments it checks only these, and exits with
1 if one of them can't be used.

Checks: ` + strings.Join(names, ", "),
		Example:   "  tilt-session doctor docker kubernetes",
		ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range args {
				if !slices.Contains(names, name) {
					return command.WrongUsage(cmd, fmt.Errorf("no check %q; there are %s", name, strings.Join(names, ", ")))
				}
			}
			if err := command.DirectLog(p.Streams.ErrOut, 0); err != nil {
				return command.Failed(err)
			}
			selected := slices.DeleteFunc(checks(&targets), func(c check) bool {
				return len(args) > 0 && !slices.Contains(args, c.name)
			})
			broken, err := examine(cmd.Context(), p, selected)
			switch {
			case err != nil:
				return command.Printed(err)
			case len(args) > 0 && len(broken) > 0:
				return command.WithCode(command.ExitFailure, "can't be used: %s", strings.Join(broken, ", "))
			}
			return nil
		},
	}
	targets.AddFlags(cmd.Flags())
	if p.Tilt {
		cmd.Aliases = []string{"verify-install"}
	}
	return cmd
}

// examine runs the checks at the same time, and prints a line for each. It returns the names of those that failed.
func examine(ctx context.Context, p command.Program, checks []check) (broken []string, err error) {
	lines := make([]string, len(checks))
	failed := make([]bool, len(checks))
	var running sync.WaitGroup
	for i, c := range checks {
		running.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			found, err := c.find(ctx)
			if failed[i] = err != nil; failed[i] {
				lines[i] = fmt.Sprintf("%-12s no  %v; %s", c.name, err, c.advice)
			} else {
				lines[i] = fmt.Sprintf("%-12s ok  %s", c.name, found)
			}
		})
	}
	running.Wait()
	_, err = fmt.Fprintf(p.Streams.Out, "tilt-session %s, works as Tilt %s; %s %s/%s\n%s\n", p.Version,
		tiltfile.TiltVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH, strings.Join(lines, "\n"))
	for i, c := range checks {
		if failed[i] {
			broken = append(broken, c.name)
		}
	}
	return broken, err
}
