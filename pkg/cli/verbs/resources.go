// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
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

// change enables or disables resources, and returns the names of those that it has changed.
type change func(sessions clientv1alpha1.SessionInterface, names []string) ([]string, error)

// complete adds flags to cmd and has it make a change. result is the new state of a resource.
func (o *selection) complete(
	cmd *cobra.Command, p command.Program, change change, result func(names []string, name string) string,
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
		changed, err := change(sessions, names)
		if err != nil {
			return o.requestError(err)
		}
		text := "Nothing has changed.\n"
		if len(changed) > 0 {
			text = ""
		}
		for _, name := range changed {
			text += fmt.Sprintf("%s %s\n", name, result(names, name))
		}
		_, err = io.WriteString(p.Streams.Out, text)
		return command.Printed(err)
	}
	return cmd
}

func newEnableCommand(p command.Program) *cobra.Command {
	o := &selection{}
	cmd := &cobra.Command{
		Use:   "enable {NAME... | --labels LABEL | --all}",
		Short: "Enable resources of a running Session",
		Long: `Enables resources of a running Session. Those that start automatically are built
from scratch. Resources that are enabled already don't change.`,
		Example: `  tilt-session enable web worker
  # These two, and nothing else
  tilt-session enable --only web worker
  tilt-session enable --labels backend`,
	}
	cmd.Flags().BoolVar(&o.only, "only", false, "disable all other resources")
	return o.complete(cmd, p, func(sessions clientv1alpha1.SessionInterface, names []string) ([]string, error) {
		spec := v1alpha1.SessionEnableSpec{Resources: names, Labels: o.labels, All: o.all, Only: o.only}
		answer, err := sessions.Enable(cmd.Context(), o.session, &v1alpha1.SessionEnable{Spec: spec}, createOptions)
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
}

func newDisableCommand(p command.Program) *cobra.Command {
	o := &selection{}
	cmd := &cobra.Command{
		Use:   "disable {NAME... | --labels LABEL | --all}",
		Short: "Disable resources of a running Session",
		Long: `Disables resources of a running Session: their jobs are cancelled, their servers
are stopped, and they don't count for the verdict until they're enabled again.`,
		Example: `  tilt-session disable web
  tilt-session disable --labels backend`,
	}
	return o.complete(cmd, p, func(sessions clientv1alpha1.SessionInterface, names []string) ([]string, error) {
		spec := v1alpha1.SessionDisableSpec{Resources: names, Labels: o.labels, All: o.all}
		answer, err := sessions.Disable(cmd.Context(), o.session, &v1alpha1.SessionDisable{Spec: spec}, createOptions)
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
			sessions, err := c.sessions()
			if err != nil {
				return err
			}
			trigger := &v1alpha1.SessionTrigger{Spec: v1alpha1.SessionTriggerSpec{Resources: names}}
			answer, err := sessions.Trigger(cmd.Context(), c.session, trigger, createOptions)
			if err != nil {
				return c.requestError(err)
			}
			for _, name := range answer.Status.Resources {
				_, err := fmt.Fprintf(p.Streams.Out, "Successfully triggered update for resource: %q\n", name)
				if err != nil {
					return command.Printed(err)
				}
			}
			return nil
		},
	}
	c.addFlags(cmd)
	return cmd
}
