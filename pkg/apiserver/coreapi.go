// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"net/http"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// reviewTimeout bounds how long the core API server may take for one answer about
// a user.
const reviewTimeout = 10 * time.Second

// coreConfig is how to reach the core API server by the kubeconfig that a flag
// names, or without one as the service account of the pod, or nil for not at all.
func coreConfig(flag, path string, inCluster bool) (*rest.Config, error) {
	switch {
	case path != "":
		config, err := clientcmd.BuildConfigFromFlags("", path)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", flag, path, err)
		}
		return config, nil
	case inCluster:
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("--in-cluster: %w", err)
		}
		return config, nil
	}
	return nil, nil
}

// coreConnection is how a core API server is reached, over connections that clients
// share.
type coreConnection struct {
	config *rest.Config
	client *http.Client
}

// connectCore returns the connection to the core API server, or nil without one. It's
// closed with the server.
func (c *Config) connectCore(flag, path string, timeout time.Duration) (*coreConnection, error) {
	config, err := coreConfig(flag, path, c.options.InCluster)
	if config == nil || err != nil {
		return nil, err
	}
	// Each request here may need one there: a limit would be one of this server.
	config.QPS = -1
	config.Timeout = timeout
	config.UserAgent = c.userAgent()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("client of the core API server: %w", err)
	}
	c.hangUps = append(c.hangUps, func() { utilnet.CloseIdleConnectionsFor(client.Transport) })
	return &coreConnection{config: config, client: client}, nil
}

// clientset returns a client of what every core API server has.
func (c *coreConnection) clientset() (kubernetes.Interface, error) {
	clientset, err := kubernetes.NewForConfigAndClient(c.config, c.client)
	if err != nil {
		return nil, fmt.Errorf("client of the core API server: %w", err)
	}
	return clientset, nil
}

// untyped returns a client of everything else.
func (c *coreConnection) untyped() (dynamic.Interface, error) {
	client, err := dynamic.NewForConfigAndClient(c.config, c.client)
	if err != nil {
		return nil, fmt.Errorf("client of the core API server: %w", err)
	}
	return client, nil
}

// coreClient returns a client of the core API server, or nil without one.
func (c *Config) coreClient(flag, path string, timeout time.Duration) (kubernetes.Interface, error) {
	core, err := c.connectCore(flag, path, timeout)
	if core == nil || err != nil {
		return nil, err
	}
	return core.clientset()
}

// hangUp closes the connections to the core API server that aren't in use.
func (c *Config) hangUp() {
	for _, hangUp := range c.hangUps {
		hangUp()
	}
}
