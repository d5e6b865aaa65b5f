// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/wait"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/kubeconfig"
)

// stopTimeout is how long a run may take to end by default.
const stopTimeout = time.Minute

// lookEvery is the time between two looks at a process that starts or ends.
const lookEvery = 50 * time.Millisecond

// NewStopCommand returns the command stop.
func NewStopCommand(p command.Program) *cobra.Command {
	at := &command.Endpoint{}
	file, timeout := "", time.Duration(0)
	cmd := &cobra.Command{
		Use:   "stop [flags]",
		Short: "End a run of a Tiltfile, such as one that up --detach started",
		Long: `Ends the run of a Tiltfile as Ctrl-C does, and waits until its processes are gone.
What it has deployed stays; "down" deletes it. The run is the one that --port
names or, with --file, the one of that Tiltfile. Without one there is nothing to
do. To stop a run that is being stopped ends it at once.

Exit codes:
  0    the run has ended, or there was none
  2    wrong usage
  3    the run hasn't ended within --timeout; it may still do so
  4    the kubeconfig can't be read, or the process can't be signalled`,
		Example: `  tilt-session stop
  tilt-session stop -f services/Tiltfile`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := command.CheckNotNegative("timeout", timeout, "to wait for nothing"); err != nil {
				return command.WithCode(command.ExitUsage, "%w", err)
			}
			matches := func(r kubeconfig.Running) bool { return r.Port == at.Port }
			what := "context " + kubeconfig.ContextName(at.Port)
			if cmd.Flags().Changed("file") {
				path, err := filepath.Abs(file)
				if err != nil {
					return command.WithCode(command.ExitUsage, "--file %s: %w", file, err)
				}
				what, matches = "Tiltfile "+path, func(r kubeconfig.Running) bool { return r.Tiltfile == path }
			} else if err := at.CheckPort(); err != nil {
				return err
			}
			n, err := stop(cmd.Context(), p.Streams.Out, matches, timeout)
			if err == nil && n == 0 {
				_, err = fmt.Fprintf(p.Streams.Out, "No run has the %s.\n", what)
				err = command.Printed(err)
			}
			return err
		},
	}
	at.AddClientFlags(cmd)
	cmd.Flags().StringVarP(&file, "file", "f", "", "path of the Tiltfile whose run ends, whatever its port is")
	cmd.Flags().DurationVar(&timeout, "timeout", stopTimeout, "how long to wait for the end of the run")
	return cmd
}

// stop ends the runs that match, and waits for them until timeout. It returns how many there were. The error has an
// exit code.
func stop(
	ctx context.Context, out io.Writer, matches func(kubeconfig.Running) bool, timeout time.Duration,
) (int, error) {
	location, err := kubeconfig.Locate(os.Getenv)
	if err != nil {
		return 0, command.WithCode(command.ExitAPI, "%w", err)
	}
	running, err := location.Running()
	if err != nil {
		return 0, command.WithCode(command.ExitAPI, "%w", err)
	}
	n := 0
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for _, r := range running {
		switch {
		case !matches(r):
			continue
		case r.Tiltfile == "":
			return n, command.WithCode(command.ExitUsage,
				"context %s is that of a server, not of a run of a Tiltfile; end it the way it was started", r.Name)
		}
		n++
		fmt.Fprintf(out, "Stopping the run of %s (process %d).\n", r.Tiltfile, r.PID)
		if err := r.End(); err != nil {
			return n, command.WithCode(command.ExitAPI, "stop the run of %s: %w", r.Tiltfile, err)
		}
		err := wait.PollUntilContextCancel(ctx, lookEvery, true, func(context.Context) (bool, error) {
			return !r.Alive(), nil
		})
		if err != nil {
			return n, command.WithCode(command.ExitTimeout,
				"process %d still runs after %v; stop it once more to end it at once", r.PID, timeout)
		}
	}
	return n, nil
}
