// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
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

// coreClient returns a client of the core API server, or nil without one. Its
// connections are closed with the server.
func (c *Config) coreClient(flag, path string, timeout time.Duration) (kubernetes.Interface, error) {
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
	clientset, err := kubernetes.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("client of the core API server: %w", err)
	}
	return clientset, nil
}

// hangUp closes the connections to the core API server that aren't in use.
func (c *Config) hangUp() {
	for _, hangUp := range c.hangUps {
		hangUp()
	}
}
