// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/kubeconfig"
)

func newKubeconfigCommand(p command.Program) *cobra.Command {
	client := newClientGetter(&command.Endpoint{}, nil)
	path := false
	cmd := &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print a kubeconfig for the running Session",
		Long: `Prints a kubeconfig that has only the running API server, as its current context.
It has the owner's token: whoever can read it can do everything with the Sessions.
The token of ci and up ends with the run; that of "serve" is kept across restarts.`,
		Example: `  tilt-session kubeconfig > session.kubeconfig
  kubectl --kubeconfig session.kubeconfig get sessions --watch

  # The file that lists all running servers of this user
  kubectl --kubeconfig "$(tilt-session kubeconfig --path)" --context tilt-default get sessions`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if path {
				return printPath(p)
			}
			if err := client.at.CheckPort(); err != nil {
				return err
			}
			return client.print(p)
		},
	}
	client.at.AddFlags(cmd)
	cmd.Flags().BoolVar(&path, "path", false, "print the path of the file that lists running servers")
	return cmd
}

func printPath(p command.Program) error {
	location, err := kubeconfig.Locate(os.Getenv)
	if err != nil {
		return command.WithCode(command.ExitAPI, "%w", err)
	}
	_, err = fmt.Fprintln(p.Streams.Out, location.File())
	return command.Printed(err)
}

// print prints a kubeconfig that has only the entry.
func (g *clientGetter) print(p command.Program) error {
	client, err := g.load()
	if err != nil {
		return command.WithCode(command.ExitAPI, "%w", err)
	}
	config, err := client.RawConfig()
	if err != nil {
		return command.WithCode(command.ExitAPI, "%w", err)
	}
	config.CurrentContext = kubeconfig.ContextName(g.at.Port)
	if err := clientcmdapi.MinifyConfig(&config); err != nil {
		return command.WithCode(command.ExitAPI, "select context %s: %w", config.CurrentContext, err)
	}
	text, err := clientcmd.Write(config)
	if err != nil {
		return command.WithCode(command.ExitAPI, "write the kubeconfig: %w", err)
	}
	_, err = p.Streams.Out.Write(text)
	return command.Printed(err)
}
