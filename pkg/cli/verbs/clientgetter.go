// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

import (
	"fmt"
	"io"
	"os"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/kubeconfig"
)

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
