// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/controller"
)

// switchOptions say which resources are enabled or disabled.
type switchOptions struct {
	sessionClient
	all    bool
	labels []string
	only   bool
}

func (o *switchOptions) addFlags(cmd *cobra.Command, verb string) {
	o.sessionClient.addFlags(cmd)
	cmd.Flags().BoolVar(&o.all, "all", false, verb+" all resources")
	cmd.Flags().StringSliceVarP(&o.labels, "labels", "l", nil, verb+" the resources that have one of these labels")
}

// check returns an error for arguments that contradict each other.
func (o *switchOptions) check(names []string) error {
	switch {
	case slices.ContainsFunc(names, isBlank):
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

func newEnableCommand(p Program) *cobra.Command {
	o := &switchOptions{}
	cmd := &cobra.Command{
		Use:   "enable {NAME... | --labels LABEL | --all}",
		Short: "Enable resources of a running Session",
		Long: `Enables resources of a running Session. Those that start by themselves are
built again from the beginning. What's enabled already stays as it is.`,
		Example: `  tilt-session enable web worker
  # These two, and nothing else
  tilt-session enable --only web worker
  tilt-session enable --labels backend`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if err := errors.Join(emptyFlags(cmd)...); err != nil {
				return withCode(ExitUsage, "%w", err)
			}
			if err := o.check(names); err != nil {
				return err
			}
			return o.enable(cmd, p, names)
		},
	}
	o.addFlags(cmd, "enable")
	cmd.Flags().BoolVar(&o.only, "only", false, "disable all other resources")
	return cmd
}

func (o *switchOptions) enable(cmd *cobra.Command, p Program, names []string) error {
	sessions, err := o.sessions(cmd)
	if err != nil {
		return err
	}
	answer, err := sessions.Enable(cmd.Context(), o.session, &v1alpha1.SessionEnable{Spec: v1alpha1.SessionEnableSpec{
		Resources: names, Labels: o.labels, All: o.all, Only: o.only,
	}}, metav1.CreateOptions{FieldManager: controller.FieldManager})
	if err != nil {
		return o.requestError(err)
	}
	return printChanged(p, answer.Status.Resources, func(name string) string {
		switch {
		case !o.only || slices.Contains(names, name):
			return "enabled"
		case len(o.labels) == 0:
			return "disabled"
		default:
			return "changed" // its labels aren't known here
		}
	})
}

func newDisableCommand(p Program) *cobra.Command {
	o := &switchOptions{}
	cmd := &cobra.Command{
		Use:   "disable {NAME... | --labels LABEL | --all}",
		Short: "Disable resources of a running Session",
		Long: `Disables resources of a running Session: their jobs are cancelled, their
servers ended, and they count for nothing until they're enabled again.`,
		Example: `  tilt-session disable web
  tilt-session disable --labels backend`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if err := errors.Join(emptyFlags(cmd)...); err != nil {
				return withCode(ExitUsage, "%w", err)
			}
			if err := o.check(names); err != nil {
				return err
			}
			return o.disable(cmd, p, names)
		},
	}
	o.addFlags(cmd, "disable")
	return cmd
}

func (o *switchOptions) disable(cmd *cobra.Command, p Program, names []string) error {
	sessions, err := o.sessions(cmd)
	if err != nil {
		return err
	}
	answer, err := sessions.Disable(cmd.Context(), o.session, &v1alpha1.SessionDisable{Spec: v1alpha1.SessionDisableSpec{
		Resources: names, Labels: o.labels, All: o.all,
	}}, metav1.CreateOptions{FieldManager: controller.FieldManager})
	if err != nil {
		return o.requestError(err)
	}
	return printChanged(p, answer.Status.Resources, func(string) string { return "disabled" })
}

// printChanged says what became of each resource that isn't as it was.
func printChanged(p Program, names []string, became func(name string) string) error {
	if len(names) == 0 {
		_, err := fmt.Fprintln(p.Streams.Out, "Nothing has changed.")
		return printed(err)
	}
	for _, name := range names {
		if _, err := fmt.Fprintf(p.Streams.Out, "%s %s\n", name, became(name)); err != nil {
			return printed(err)
		}
	}
	return nil
}
