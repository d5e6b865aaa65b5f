// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"sync"

	"github.com/spf13/cobra"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/kubeconfig"
)

// NewDownCommand returns the command down.
func NewDownCommand(p command.Program) *cobra.Command {
	o := &downOptions{}
	cmd := &cobra.Command{
		Use:   "down [flags] [RESOURCE...] [-- TILTFILE-ARGUMENT...]",
		Short: "Delete what a Tiltfile deploys, and its Compose services",
		Long: `Ends a run of the Tiltfile on this machine, unless resources are named. Then it
evaluates the Tiltfile, deletes its Kubernetes objects from the cluster in the
reverse order of their deploy, and waits until they are gone. Only objects that
this project has applied are deleted. Those with the annotation
"tilt.dev/down-policy: keep" stay, and Namespaces without --delete-namespaces.
With arguments, only the resources that they select are deleted, without those
that these depend on.

Its Compose projects are removed with their networks, and with --volumes their
volumes. With arguments only the containers of the selected services are.

` + command.ExitCodesHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.completeTiltfile(args); err != nil {
				return err
			}
			// Tilt's command leaves runs alone.
			some := cmd.ArgsLenAtDash() > 0 || cmd.ArgsLenAtDash() < 0 && len(args) > 0
			if !p.Tilt && !some && o.composeProject == "" {
				_, err := stop(cmd.Context(), p.Streams.Out, o.isOurs, stopTimeout)
				if err != nil {
					return err
				}
			}
			return o.run(cmd.Context(), p)
		},
	}
	addFile(cmd.Flags(), &o.file)
	o.targets.AddFlags(cmd.Flags())
	o.targets.AddInventoryFlag(cmd.Flags())
	cmd.Flags().BoolVar(&o.deleteNamespaces, "delete-namespaces", false,
		"also delete the Namespaces that this project has created, with everything in them")
	cmd.Flags().BoolVar(&o.deleteVolumes, "volumes", false, "also delete the volumes of Compose projects")
	cmd.Flags().BoolVar(&o.deleteVolumes, "delete-volumes", false, "")
	cmd.Flags().Lookup("delete-volumes").Hidden = true // Tilt's name for it.
	cmd.Flags().StringVar(&o.composeProject, "compose-project", "",
		"remove the Compose project of this name, without a Tiltfile")
	command.AddKillGrace(cmd.Flags(), &o.killGrace)
	p.AddVerbosity(cmd.Flags(), &o.verbosity)
	return cmd
}

// downOptions are those of down.
type downOptions struct {
	options
	deleteNamespaces, deleteVolumes bool
	composeProject                  string
}

// isOurs reports whether a run is one of the Tiltfile.
func (o *downOptions) isOurs(r kubeconfig.Running) bool { return r.Tiltfile == o.file }

func (o *downOptions) run(ctx context.Context, p command.Program) error {
	if err := command.DirectLog(p.Streams.ErrOut, o.verbosity); err != nil {
		return command.Failed(err)
	}
	out := newConsole(p, &terminal{}, false)
	down := host.Down{
		Engines: host.Engines{
			OpenFiles: true, MaxDataSize: o.maxDataSize, KillGrace: o.killGrace, Targets: o.targets.Targets,
		},
		Tiltfile:         o.file,
		Args:             o.args,
		DeleteNamespaces: o.deleteNamespaces,
		DeleteVolumes:    o.deleteVolumes,
		ComposeProject:   o.composeProject,
		Log:              out.logs,
		Warn:             p.Warn,
	}
	var printing sync.WaitGroup
	var printed error
	printing.Go(func() { printed = out.printLogs(context.WithoutCancel(ctx), p.Streams.Out) })
	err, _ := p.Group().Run(ctx, nil, down.Run)
	out.logs.Close()
	printing.Wait()
	signal := new(host.SignalError)
	switch {
	case err == nil:
		return command.Failed(printed)
	case errors.As(err, &signal):
		return o.signalled(signal)
	case errors.As(err, new(*host.TiltfileError)):
		return command.WithCode(command.ExitUsage, "%w", err)
	}
	return command.WithCode(command.ExitFailure, "%w", err)
}
