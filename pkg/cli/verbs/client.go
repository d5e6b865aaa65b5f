// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/controller"
	clientv1alpha1 "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
	"tilt.dev/session/pkg/kubeconfig"
)

// createOptions are those of requests on a subresource of a Session.
var createOptions = metav1.CreateOptions{FieldManager: controller.FieldManager}

// sessionClient are the flags by which our own commands find a running Session.
type sessionClient struct {
	command.Endpoint
	session string
}

func (c *sessionClient) addFlags(cmd *cobra.Command) {
	c.Endpoint.AddClientFlags(cmd)
	cmd.Flags().StringVar(&c.session, "session", command.SessionName, "name of the Session")
}

// sessions returns a client for the server that the flags name.
func (c *sessionClient) sessions() (clientv1alpha1.SessionInterface, error) {
	api, err := c.api()
	if err != nil {
		return nil, err
	}
	return api.Sessions(), nil
}

// api checks the flags and returns a client. The error has an exit code.
func (c *sessionClient) api() (clientv1alpha1.TiltV1alpha1Interface, error) {
	if err := cmp.Or(c.checkSession(), c.CheckPort()); err != nil {
		return nil, err
	}
	config, err := newClientGetter(&c.Endpoint, nil).ToRESTConfig()
	if err != nil {
		return nil, command.WithCode(command.ExitAPI, "%w", err)
	}
	client, err := clientv1alpha1.NewForConfig(config)
	if err != nil {
		return nil, command.WithCode(command.ExitAPI, "make a client: %w", err)
	}
	return client, nil
}

func (c *sessionClient) checkSession() error {
	if problems := content.IsPathSegmentName(c.session); len(problems) > 0 {
		return command.WithCode(command.ExitUsage, "--session %q is not a valid name of a Session: it %s",
			c.session, strings.Join(problems, ", "))
	}
	return nil
}

// requestError describes a request that failed, in the words of the server if it has
// answered. A server of many Sessions need not have one of the default name.
func (c *sessionClient) requestError(err error) error {
	var answered apierrors.APIStatus
	if errors.As(err, &answered) && answered.Status().Code != 0 {
		status := answered.Status()
		if c.session == command.SessionName && isSessionMissing(status) {
			return command.WithCode(command.ExitFailure, "%s; choose another Session with --session", status.Message)
		}
		return command.WithCode(command.ExitFailure, "%s", status.Message)
	}
	return command.WithCode(command.ExitAPI, "reach the API server: %w", err)
}

// isSessionMissing reports whether there's no such Session. If there's no such resource
// in a Session, the answer has a cause.
func isSessionMissing(status metav1.Status) bool {
	return status.Reason == metav1.StatusReasonNotFound && status.Details != nil && len(status.Details.Causes) == 0
}

// refused is the error of arguments that the server would refuse, with the exit code of that.
func refused(message string) error { return command.WithCode(command.ExitFailure, "%s", message) }

// clientGetter finds the running API server in the kubeconfig. It caches discovery in
// memory: a cache on disk may be that of an earlier run.
type clientGetter struct {
	at *command.Endpoint
	// errOut gets the warnings of the server, nil to drop them.
	errOut    io.Writer
	discovery func() (discovery.CachedDiscoveryInterface, error)
}

// newClientGetter reads at when a command asks for its first client.
func newClientGetter(at *command.Endpoint, errOut io.Writer) *clientGetter {
	g := &clientGetter{at: at, errOut: errOut}
	g.discovery = sync.OnceValues(g.newDiscoveryClient)
	return g
}

// load finds the entry. Without a running server its error says what to do.
func (g *clientGetter) load() (clientcmd.ClientConfig, error) {
	location, err := kubeconfig.Locate(os.Getenv)
	if err != nil {
		return nil, err
	}
	return location.Load(g.at.Port)
}

// ToRawKubeConfigLoader returns an empty configuration if the entry can't be loaded.
func (g *clientGetter) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	config, err := g.load()
	if err != nil {
		return clientcmd.NewDefaultClientConfig(*clientcmdapi.NewConfig(), nil)
	}
	return config
}

func (g *clientGetter) ToRESTConfig() (*rest.Config, error) {
	client, err := g.load()
	if err != nil {
		return nil, err
	}
	config, err := client.ClientConfig()
	if err != nil {
		return nil, err
	}
	// The default of five requests a second would make it take minutes to delete a thousand Sessions.
	config.QPS = -1
	config.WarningHandler = rest.NoWarnings{}
	if g.errOut != nil {
		config.WarningHandler = rest.NewWarningWriter(g.errOut, rest.WarningWriterOptions{Deduplicate: true})
	}
	return config, nil
}

func (g *clientGetter) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return g.discovery()
}

func (g *clientGetter) newDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	config, err := g.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a discovery client: %w", err)
	}
	return memory.NewMemCacheClient(client), nil
}

func (g *clientGetter) ToRESTMapper() (meta.RESTMapper, error) {
	client, err := g.ToDiscoveryClient()
	if err != nil {
		return nil, err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(client)
	return restmapper.NewShortcutExpander(mapper, client, nil), nil
}

var _ genericclioptions.RESTClientGetter = (*clientGetter)(nil)

func newKubeconfigCommand(p command.Program) *cobra.Command {
	client := newClientGetter(&command.Endpoint{}, nil)
	path := false
	cmd := &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print a kubeconfig for the running Session",
		Long: `Prints a kubeconfig that has only the running API server, as its current context.
It has the owner's token: a reader of it can do everything with the Sessions.
The token of ci and up ends with the run; that of "serve" is kept across restarts.`,
		Example: `  tilt-session kubeconfig > session.kubeconfig
  kubectl --kubeconfig session.kubeconfig get sessions --watch

  # The file that lists all running servers of this user
  kubectl --kubeconfig "$(tilt-session kubeconfig --path)" --context tilt-default get sessions`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if path {
				location, err := kubeconfig.Locate(os.Getenv)
				if err != nil {
					return command.WithCode(command.ExitAPI, "%w", err)
				}
				_, err = fmt.Fprintln(p.Streams.Out, location.File())
				return command.Printed(err)
			}
			if err := client.at.CheckPort(); err != nil {
				return err
			}
			return client.print(p)
		},
	}
	client.at.AddClientFlags(cmd)
	cmd.Flags().BoolVar(&path, "path", false, "print the path of the file that lists running servers")
	return cmd
}

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
