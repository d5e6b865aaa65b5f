// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import "github.com/spf13/cobra"

func newServeCommand(p Program) *cobra.Command {
	o := newServeOptions(p.Version)
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve and run any number of Sessions, which outlast the process",
		Long: `Serves Sessions until a signal ends it, and runs all of them: a Session that's
created starts a run, one that's deleted ends it. What is stored is there again
after the next start; Sessions with the exit condition "manual" are run again
then, and those that were to reach a verdict have failed.

With --etcd-servers any number of servers share the Sessions of an etcd, and none
of them is run. While etcd can't be reached, /readyz says so, what needs it is
refused with 503, and watches go on when it's back.

Fields of a Session's spec beside tiltfilePath, exitCondition and ci:
  args                     the arguments of its Tiltfile, a list such as ["web","--env=a b"]
  keepGoing                true: after a failure finish what doesn't depend on it
  ttlSecondsAfterFinished  how many seconds after its verdict it's deleted

Users are known by the owner's token, which is in the kubeconfig, or by
--token-auth-file and --client-ca-file. Their groups decide what they may do:
  system:masters  everything, as the owner; that includes to run any command here
  tilt:viewers    read Sessions, their logs, metrics and API documents
Everybody may ask for the server's health. With --authorization-kubeconfig the
RBAC rules of a core API server decide about all but system:masters.

` + exitCodesHelp,
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
			return serve(cmd.Context(), p, o)
		},
	}
	o.addFlags(cmd)
	return cmd
}
