// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/cli/webpage"
	"tilt.dev/session/pkg/kubeconfig"
	"tilt.dev/session/pkg/web"
)

// uiOptions are those of the command ui.
type uiOptions struct {
	sessionClient
	printURL, viewOnly bool
	// context and kubeconfig name the API of another server, export the directory to write the page to.
	context, kubeconfig, export string
}

func newUICommand(p command.Program) *cobra.Command {
	o := &uiOptions{}
	cmd := &cobra.Command{
		Use:   "ui",
		Short: "Open the web page of a running Session in the browser",
		Long: `Asks the running server for an address of its web page, which logs in once and
within five minutes, and opens it in the browser. It prints the address instead
without a terminal, without a display, over SSH and in CI.

With --context or --kubeconfig it serves the page for the API of that context,
on the loopback interface and until Ctrl-C, with the credentials of the
kubeconfig: what is asked for is passed on if it is below /apis/tilt.dev,
/version or /openapi/v3/apis/tilt.dev.

With --export it writes the page to a directory for "kubectl proxy".`,
		Example: `  tilt-session ui
  tilt-session ui --port 10351 --session nightly --view-only

  # The Sessions of a cluster
  tilt-session ui --context build-cluster

  # The same through kubectl alone
  tilt-session ui --export page
  kubectl proxy --www=page --www-prefix=/ui/`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd, p) },
	}
	o.Endpoint.AddClientFlags(cmd)
	flags := cmd.Flags()
	flags.Lookup("port").Usage += "; with --context the port to serve the page on, any free one by default"
	flags.StringVar(&o.session, "session", "", "name of the Session to show (default the list of Sessions)")
	flags.BoolVar(&o.printURL, "print-url", false, "print the address and open nothing")
	flags.BoolVar(&o.viewOnly, "view-only", false, "log in to read, without the right to change anything")
	flags.StringVar(&o.context, "context", "", "kubeconfig context of an API elsewhere, to serve the page for")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "",
		"kubeconfig of an API elsewhere (default $KUBECONFIG or ~/.kube/config with --context)")
	flags.StringVar(&o.export, "export", "", "directory to write the page to; it must be empty or not exist")
	return cmd
}

// checkUIFlags refuses flags that would have no effect.
func checkUIFlags(flags *pflag.FlagSet) error {
	var errs []error
	refuse := func(with string, others ...string) {
		for _, flag := range others {
			if flags.Changed(with) && flags.Changed(flag) {
				errs = append(errs, fmt.Errorf("--%s must not be combined with --%s", flag, with))
			}
		}
	}
	refuse("export", "context", "host", "kubeconfig", "port", "print-url", "session", "view-only")
	refuse("context", "host")
	refuse("kubeconfig", "host")
	if len(errs) > 0 {
		return command.WithCode(command.ExitUsage, "%w", errors.Join(errs...))
	}
	return nil
}

func (o *uiOptions) run(cmd *cobra.Command, p command.Program) error {
	if err := checkUIFlags(cmd.Flags()); err != nil {
		return err
	}
	switch {
	case o.export != "":
		return exportPage(p, o.export)
	case o.context != "" || o.kubeconfig != "":
		return o.serve(cmd, p)
	}
	api, err := o.api()
	if err != nil {
		return err
	}
	address := webpage.AddressesOf(cmd.Context(), api.RESTClient(), o.viewOnly)
	return o.show(cmd.Context(), p, func(opens bool) (string, error) {
		text, err := address(opens)
		switch {
		case errors.Is(err, webpage.ErrNotServed):
			return "", o.notServed(err)
		case err != nil:
			return "", o.requestError(err)
		}
		return text, nil
	})
}

// notServed is the error of a server without a page. It says how to get the page all the same.
func (o *uiOptions) notServed(err error) error {
	name, file := kubeconfig.ContextName(o.Port), "FILE"
	if location, err := kubeconfig.Locate(os.Getenv); err == nil {
		file = location.File()
	}
	return command.WithCode(command.ExitFailure,
		"context %[1]s: %[2]w; serve the page from here with `tilt-session ui --kubeconfig %[3]s --context %[1]s`",
		name, err, file)
}

// show opens the page in the browser, or prints its address.
func (o *uiOptions) show(ctx context.Context, p command.Program, address webpage.AddressFunc) error {
	route := webpage.Route(o.session, "")
	if o.printURL || !command.IsTerminal(p.Streams.Out) {
		text, err := address(false)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(p.Streams.Out, webpage.At(text, route))
		return command.Printed(err)
	}
	opened, err := webpage.Show(ctx, address, route)
	if err != nil {
		return err
	}
	text := "The browser shows the web page; --print-url prints its address instead."
	if opened.Why != nil {
		p.Warn(fmt.Errorf("no browser shows the web page: %w; open this address within five minutes", opened.Why))
		text = opened.Address
	}
	_, err = fmt.Fprintln(p.Streams.Out, text)
	return command.Printed(err)
}

// exportPage writes the page to a directory.
func exportPage(p command.Program, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return command.WithCode(command.ExitUsage, "--export: %w", err)
	}
	switch files, err := os.ReadDir(dir); {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return command.WithCode(command.ExitUsage, "--export: %w", err)
	case len(files) > 0:
		return command.WithCode(command.ExitUsage, "--export %s: the directory must be empty", dir)
	}
	if err := web.Export(dir); err != nil {
		removeFiles(dir) // They would be in the way of the next attempt.
		return command.WithCode(command.ExitFailure, "export the page to %s: %w", dir, err)
	}
	_, err = fmt.Fprintf(p.Streams.Out, "The web page is in %[1]s. Serve it for the current context with\n"+
		"  kubectl proxy --www=%[1]s --www-prefix=/ui/\nand open http://127.0.0.1:8001/ui/\n", dir)
	return command.Printed(err)
}

// removeFiles leaves an empty directory.
func removeFiles(dir string) {
	files, _ := os.ReadDir(dir)
	for _, file := range files {
		_ = os.RemoveAll(filepath.Join(dir, file.Name()))
	}
}
