// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/controller"
	clientv1alpha1 "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
)

// selection are the resources that are enabled or disabled.
type selection struct {
	sessionClient
	all    bool
	labels []string
	only   bool
}

// check returns an error for arguments that contradict each other.
func (o *selection) check(names []string) error {
	switch {
	case slices.ContainsFunc(names, command.IsBlank):
		return refused("the name of a resource must not be empty")
	case o.all && len(names) > 0:
		return refused("cannot use --all with resource names")
	case o.all && len(o.labels) > 0:
		return refused("cannot use --all with --labels")
	case o.all && o.only:
		return refused("cannot use --all with --only")
	case !o.all && len(names) == 0 && len(o.labels) == 0:
		return refused("must specify at least one resource")
	}
	return nil
}

// change is a request that enables or disables resources, and returns the names of those that it has changed.
type change func(ctx context.Context, sessions clientv1alpha1.SessionInterface, names []string) ([]string, error)

// complete adds flags to cmd and has it make a change. become says what has become of a resource.
func (o *selection) complete(
	cmd *cobra.Command, p command.Program, change change, become func(names []string, name string) string,
) *cobra.Command {
	o.sessionClient.addFlags(cmd)
	cmd.Flags().BoolVar(&o.all, "all", false, cmd.Name()+" all resources")
	cmd.Flags().StringSliceVarP(&o.labels, "labels", "l", nil, cmd.Name()+" the resources that have one of these labels")
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		if err := o.check(names); err != nil {
			return err
		}
		sessions, err := o.sessions()
		if err != nil {
			return err
		}
		changed, err := change(cmd.Context(), sessions, names)
		if err != nil {
			return o.requestError(err)
		}
		if len(changed) == 0 {
			_, err = fmt.Fprintln(p.Streams.Out, "Nothing has changed.")
		}
		for _, name := range changed {
			if _, err = fmt.Fprintf(p.Streams.Out, "%s %s\n", name, become(names, name)); err != nil {
				break
			}
		}
		return command.Printed(err)
	}
	return cmd
}

func newEnableCommand(p command.Program) *cobra.Command {
	o := &selection{}
	cmd := o.complete(&cobra.Command{
		Use:   "enable {NAME... | --labels LABEL | --all}",
		Short: "Enable resources of a running Session",
		Long: `Enables resources of a running Session. Those that start automatically are built
from scratch. Resources that are enabled already don't change.`,
		Example: `  tilt-session enable web worker
  # These two, and nothing else
  tilt-session enable --only web worker
  tilt-session enable --labels backend`,
	}, p, func(ctx context.Context, sessions clientv1alpha1.SessionInterface, names []string) ([]string, error) {
		answer, err := sessions.Enable(ctx, o.session, &v1alpha1.SessionEnable{Spec: v1alpha1.SessionEnableSpec{
			Resources: names, Labels: o.labels, All: o.all, Only: o.only,
		}}, metav1.CreateOptions{FieldManager: controller.FieldManager})
		if err != nil {
			return nil, err
		}
		return answer.Status.Resources, nil
	}, func(names []string, name string) string {
		switch {
		case !o.only || slices.Contains(names, name):
			return "enabled"
		case len(o.labels) == 0:
			return "disabled"
		default:
			return "changed" // The labels of the resource aren't known here.
		}
	})
	cmd.Flags().BoolVar(&o.only, "only", false, "disable all other resources")
	return cmd
}

func newDisableCommand(p command.Program) *cobra.Command {
	o := &selection{}
	return o.complete(&cobra.Command{
		Use:   "disable {NAME... | --labels LABEL | --all}",
		Short: "Disable resources of a running Session",
		Long: `Disables resources of a running Session: their jobs are cancelled, their servers
are stopped, and they don't count for the verdict until they're enabled again.`,
		Example: `  tilt-session disable web
  tilt-session disable --labels backend`,
	}, p, func(ctx context.Context, sessions clientv1alpha1.SessionInterface, names []string) ([]string, error) {
		answer, err := sessions.Disable(ctx, o.session, &v1alpha1.SessionDisable{Spec: v1alpha1.SessionDisableSpec{
			Resources: names, Labels: o.labels, All: o.all,
		}}, metav1.CreateOptions{FieldManager: controller.FieldManager})
		if err != nil {
			return nil, err
		}
		return answer.Status.Resources, nil
	}, func([]string, string) string { return "disabled" })
}

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
