// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/controller"
)

func newTriggerCommand(p command.Program) *cobra.Command {
	c := &sessionClient{}
	cmd := &cobra.Command{
		Use:   "trigger NAME...",
		Short: "Run resources of a running Session again",
		Long: `Runs resources of a running Session again: a job runs once more, and a server is
restarted. The name "(Tiltfile)" evaluates the Tiltfile again. A resource that is
running an update runs another one afterwards.

If one of the resources doesn't exist or is disabled, none is triggered.`,
		Example: `  tilt-session trigger migrate
  tilt-session trigger '(Tiltfile)'`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if len(names) == 0 {
				return refused("must specify at least one resource")
			}
			if slices.ContainsFunc(names, command.IsBlank) {
				return refused("the name of a resource must not be empty")
			}
			return c.trigger(cmd, p, names)
		},
	}
	c.addFlags(cmd)
	return cmd
}

func (c *sessionClient) trigger(cmd *cobra.Command, p command.Program, names []string) error {
	sessions, err := c.sessions()
	if err != nil {
		return err
	}
	answer, err := sessions.Trigger(cmd.Context(), c.session,
		&v1alpha1.SessionTrigger{Spec: v1alpha1.SessionTriggerSpec{Resources: names}},
		metav1.CreateOptions{FieldManager: controller.FieldManager})
	if err != nil {
		return c.requestError(err)
	}
	for _, name := range answer.Status.Resources {
		if _, err := fmt.Fprintf(p.Streams.Out, "Successfully triggered update for resource: %q\n", name); err != nil {
			return command.Printed(err)
		}
	}
	return nil
}
