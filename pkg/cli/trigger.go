// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/controller"
)

func newTriggerCommand(p Program) *cobra.Command {
	c := &sessionClient{}
	cmd := &cobra.Command{
		Use:   "trigger NAME...",
		Short: "Execute resources of a running Session once more",
		Long: `Executes resources of a running Session once more: a job runs again, and a
server is replaced. "(Tiltfile)" stands for the Tiltfile, which is evaluated
again. A resource that executes at the moment is executed again afterwards.

Either all of the resources are triggered or, when one of them doesn't exist or
is disabled, none.`,
		Example: `  tilt-session trigger migrate
  tilt-session trigger '(Tiltfile)'`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if len(names) == 0 {
				return refused("must specify at least one resource")
			}
			if slices.ContainsFunc(names, isBlank) {
				return refused("the name of a resource must not be empty")
			}
			return c.trigger(cmd, p, names)
		},
	}
	c.addFlags(cmd)
	return cmd
}

func (c *sessionClient) trigger(cmd *cobra.Command, p Program, names []string) error {
	sessions, err := c.sessions(cmd)
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
			return printed(err)
		}
	}
	return nil
}
