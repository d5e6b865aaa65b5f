// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"tilt.dev/session/pkg/kubeconfig"
)

func newKubeconfigCommand(p Program) *cobra.Command {
	client := newClientGetter(&endpoint{}, nil)
	path := false
	cmd := &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print a kubeconfig for the running Session",
		Long: `Prints a kubeconfig that holds nothing but the running API server, as its
current context. It holds the server's token: whoever reads it may do
everything with the Session. It's of no use once the run has ended; that of
"serve" is again after the next start.`,
		Example: `  tilt-session kubeconfig > session.kubeconfig
  kubectl --kubeconfig session.kubeconfig get sessions --watch

  # The file that all running Sessions of this user are in
  kubectl --kubeconfig "$(tilt-session kubeconfig --path)" --context tilt-default get sessions`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path {
				if err := client.at.complete(cmd); err != nil {
					return withCode(ExitUsage, "%w", err)
				}
				return printPath(p)
			}
			if err := client.at.completeClient(cmd); err != nil {
				return withCode(ExitUsage, "%w", err)
			}
			return client.print(p)
		},
	}
	client.at.addFlags(cmd)
	cmd.Flags().BoolVar(&path, "path", false, "print the path of the file that running Sessions are entered in")
	return cmd
}

func printPath(p Program) error {
	location, err := kubeconfig.Locate(os.Getenv)
	if err != nil {
		return withCode(ExitAPI, "%w", err)
	}
	_, err = fmt.Fprintln(p.Streams.Out, location.File())
	return printed(err)
}

// print writes the entry alone.
func (g *clientGetter) print(p Program) error {
	client, err := g.load()
	if err != nil {
		return withCode(ExitAPI, "%w", err)
	}
	config, err := client.RawConfig()
	if err != nil {
		return withCode(ExitAPI, "%w", err)
	}
	config.CurrentContext = kubeconfig.ContextName(g.at.port)
	if err := clientcmdapi.MinifyConfig(&config); err != nil {
		return withCode(ExitAPI, "single out context %s: %w", config.CurrentContext, err)
	}
	text, err := clientcmd.Write(config)
	if err != nil {
		return withCode(ExitAPI, "write the kubeconfig: %w", err)
	}
	_, err = p.Streams.Out.Write(text)
	return printed(err)
}
