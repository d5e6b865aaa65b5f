// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"tilt.dev/session/pkg/kubeconfig"
)

// clientGetter finds the running API server in the kubeconfig. Discovery is
// kept in memory: the server is at hand, and a file of an earlier run would
// only mislead.
type clientGetter struct {
	at *endpoint
	// errOut gets what the server warns of. If it's nil nobody does.
	errOut    io.Writer
	discovery func() (discovery.CachedDiscoveryInterface, error)
}

// newClientGetter reads at only when a command asks for its first client.
func newClientGetter(at *endpoint, errOut io.Writer) *clientGetter {
	g := &clientGetter{at: at, errOut: errOut}
	g.discovery = sync.OnceValues(g.newDiscoveryClient)
	return g
}

func (g *clientGetter) addFlags(cmd *cobra.Command) { g.at.addFlags(cmd) }

// load finds the entry. Its error says what to do when no server runs.
func (g *clientGetter) load() (clientcmd.ClientConfig, error) {
	location, err := kubeconfig.Locate(os.Getenv)
	if err != nil {
		return nil, err
	}
	return location.Load(g.at.port)
}

func (g *clientGetter) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	config, err := g.load()
	if err != nil {
		return noConfig{err}
	}
	return config
}

func (g *clientGetter) ToRESTConfig() (*rest.Config, error) {
	config, err := g.ToRawKubeConfigLoader().ClientConfig()
	if err != nil {
		return nil, err
	}
	// The default of five requests a second protects a server of many users. It
	// has whoever deletes a thousand Sessions wait for minutes.
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

// noConfig is a configuration that can't be had.
type noConfig struct{ err error }

func (c noConfig) RawConfig() (clientcmdapi.Config, error) { return clientcmdapi.Config{}, c.err }
func (c noConfig) ClientConfig() (*rest.Config, error)     { return nil, c.err }
func (c noConfig) Namespace() (string, bool, error)        { return "", false, c.err }
func (c noConfig) ConfigAccess() clientcmd.ConfigAccess    { return clientcmd.NewDefaultPathOptions() }

var (
	_ genericclioptions.RESTClientGetter = (*clientGetter)(nil)
	_ clientcmd.ClientConfig             = noConfig{}
)
