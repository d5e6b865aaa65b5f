// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package serve has the command serve: an API on file, memory or etcd, and a runner
// for all of its Sessions unless they're in etcd.
package serve

import (
	"github.com/spf13/cobra"

	"tilt.dev/session/pkg/cli/command"
)

// NewCommand returns the command.
func NewCommand(p command.Program) *cobra.Command {
	o := newOptions(p.Version)
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve and run any number of Sessions and keep them across restarts",
		Long: `Serves Sessions until a signal ends it, and runs all of them: creating a Session
starts a run, deleting it ends the run. The next start finds what is stored; it
runs Sessions with the exit condition "manual" again, and those that should have
reached a verdict have failed.

With --etcd-servers any number of servers share the Sessions in etcd and run none
of them. While etcd can't be reached, /readyz says so and requests that need it
are refused with 503; watches resume when it's back.

Fields of a Session's spec beside tiltfilePath, exitCondition and ci:
  args                     the arguments of its Tiltfile, a list such as ["web","--env=a b"]
  keepGoing                true: after a failure finish what doesn't depend on it
  ttlSecondsAfterFinished  how many seconds after its verdict it's deleted

Users authenticate with the owner's token, which is in the kubeconfig, or by
--token-auth-file and --client-ca-file. Their groups decide what they may do:
  system:masters  everything, as the owner; that includes running any command here
  tilt:viewers    read Sessions, their logs, metrics and API documents
Everyone may read the server's health. With --authorization-kubeconfig the RBAC
rules of a core API server decide about everyone outside system:masters.

` + command.ExitCodesHelp,
		Example: `  tilt-session serve
  tilt-session create -f session.yaml
  tilt-session wait --for=condition=Succeeded session/build

  # For the network, with certificates and users of your own
  tilt-session serve --bind-address 0.0.0.0 --tls-cert-file tls.crt --tls-private-key-file tls.key --client-ca-file ca.crt

  # One of several servers that share what etcd keeps
  tilt-session serve --etcd-servers https://etcd-0:2379,https://etcd-1:2379,https://etcd-2:2379 \
    --etcd-cafile etcd-ca.crt --etcd-certfile etcd.crt --etcd-keyfile etcd.key`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(cmd); err != nil {
				return err
			}
			return o.serve(cmd.Context(), p)
		},
	}
	o.addFlags(cmd)
	return cmd
}
