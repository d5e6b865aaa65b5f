// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/generated/clientset/versioned/scheme"
	clientv1alpha1 "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/text"
	"tilt.dev/session/pkg/view"
)

const (
	// statusLines is how many of the last lines of a Session are looked through for the last one of each resource.
	statusLines = 1000
	// whyLines is how many of the last lines of a resource why prints.
	whyLines = 20
	// maxLine is how many characters of a line why prints.
	maxLine = 300
	// answerTimeout is how long a server may take to answer a command that is to be quick.
	answerTimeout = 10 * time.Second
)

func newStatusCommand(p command.Program) *cobra.Command {
	c := &sessionClient{}
	colours := &command.Colours{}
	output := genericclioptions.NewPrintFlags("").WithTypeSetter(scheme.Scheme)
	cmd := &cobra.Command{
		Use:   "status [flags]",
		Short: "Print the resources of a running Session, and exit by their state",
		Long: `Prints the state of a running Session once: a row for each resource with its
state, how long it has run or waited, and why it isn't well, else its last line.
With --output the Session is printed in that form instead.

Exit codes:
  0    everything that is requested is ready or has succeeded
  1    something has failed, or there is no such Session
  2    wrong usage
  3    nothing has failed, and something isn't ready or done yet
  4    the API can't be reached`,
		Example: `  tilt-session status
  tilt-session status -o json | jq -r '.status.targets[] | select(.state.terminated.error).name'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			printer, err := output.ToPrinter()
			if err != nil && *output.OutputFormat != "" {
				return command.WithCode(command.ExitUsage, "--output: %w", err)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), answerTimeout)
			defer cancel()
			sessions, s, err := c.get(ctx)
			if err != nil {
				return err
			}
			now := time.Now()
			if *output.OutputFormat != "" {
				err = printer.PrintObj(s, p.Streams.Out)
			} else {
				lasts := lastLines(ctx, sessions, s.Name)
				last := func(resource string) string { return lasts[resource] }
				_, err = io.WriteString(p.Streams.Out, view.Status(s, last, colours.Style(p.Streams.Out), now))
			}
			if err != nil {
				return command.Printed(err)
			}
			return stateError(view.Summarize(s, now).State)
		},
	}
	c.addFlags(cmd)
	colours.AddFlag(cmd.Flags())
	output.AddFlags(cmd)
	return cmd
}

// get reads the Session.
func (c *sessionClient) get(ctx context.Context) (clientv1alpha1.SessionInterface, *v1alpha1.Session, error) {
	sessions, err := c.sessions()
	if err != nil {
		return nil, nil, err
	}
	s, err := sessions.Get(ctx, c.session, metav1.GetOptions{})
	if err != nil {
		return nil, nil, c.requestError(err)
	}
	return sessions, s, nil
}

// stateError decides the exit code by the state of a Session.
func stateError(state view.State) error {
	switch state {
	case view.StateReady, view.StateSucceeded:
		return nil
	case view.StateFailed:
		return command.WithoutMessage(command.ExitFailure)
	}
	return command.WithoutMessage(command.ExitTimeout)
}

// lastLines are the last lines of output of resources by their names, of those that have written lately. A Session that
// isn't run by its server has no log.
func lastLines(ctx context.Context, sessions clientv1alpha1.SessionInterface, name string) map[string]string {
	lasts := map[string]string{}
	for _, line := range readLog(ctx, sessions, name, statusLines) {
		if line.Text != "" && line.Level == v1alpha1.SessionLogLevelInfo {
			lasts[line.Resource] = line.Text
		}
	}
	return lasts
}

// readLog reads the last lines of resources, of all if none is named, up to the first error.
func readLog(
	ctx context.Context, sessions clientv1alpha1.SessionInterface, name string, lines int64, resources ...string,
) (log []v1alpha1.SessionLogLine) {
	stream, err := sessions.GetLogs(name, &v1alpha1.SessionLogOptions{
		Resources: resources, TailLines: &lines, Format: v1alpha1.SessionLogFormatJSON,
	}).Stream(ctx)
	if err != nil {
		return nil
	}
	defer stream.Close()
	for decoder := json.NewDecoder(stream); ; {
		var line v1alpha1.SessionLogLine
		if decoder.Decode(&line) != nil {
			return log
		}
		log = append(log, line)
	}
}

func newWhyCommand(p command.Program) *cobra.Command {
	c := &sessionClient{}
	colours := &command.Colours{}
	cmd := &cobra.Command{
		Use:   "why [flags] RESOURCE",
		Short: "Explain why a resource of a running Session isn't ready",
		Long: `Prints what a resource of a running Session waits for, what that waits for, and so
on to the one that holds all up, with the last lines of that one. A resource that
waits for nothing is explained by its own last lines. RESOURCE is the name of a
resource, of an image or of a target.

Exit codes:
  0    the resource is ready, has succeeded, or isn't requested
  1    it has failed, or waits for one that has; or there is no such Session
  2    wrong usage, or there is no such resource
  3    nothing has failed: it, or what it waits for, waits or runs
  4    the API can't be reached`,
		Example: `  tilt-session why smoke
  tilt-session why '(Tiltfile)'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), answerTimeout)
			defer cancel()
			sessions, s, err := c.get(ctx)
			if err != nil {
				return err
			}
			row, err := view.Find(s, args[0])
			if err != nil {
				return command.WithCode(command.ExitUsage, "%w", err)
			}
			chain := row.Chain()
			root := chain[len(chain)-1]
			out := view.Why(chain, colours.Style(p.Streams.Out), time.Now())
			if lines := readLog(ctx, sessions, s.Name, whyLines, root.Name); len(lines) > 0 {
				out += fmt.Sprintf("\nLast lines of %s:\n", root.Name)
				for _, line := range lines {
					out += "  " + text.Cut(text.Printable(line.Text), maxLine) + "\n"
				}
			}
			if _, err := io.WriteString(p.Streams.Out, out); err != nil {
				return command.Printed(err)
			}
			return stateError(rowState(root.Phase))
		},
	}
	c.addFlags(cmd)
	colours.AddFlag(cmd.Flags())
	return cmd
}

// rowState is the state of a Session that has nothing but a resource in this phase.
func rowState(phase session.Phase) view.State {
	switch phase {
	case session.PhaseFailed:
		return view.StateFailed
	case session.PhaseActive, session.PhaseWaiting:
		return view.StateRunning
	}
	return view.StateReady
}
