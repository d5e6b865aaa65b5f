// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/dynamic"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/model"
)

// CallTimeout limits one request that is answered at once, such as a GET or the discovery of kinds.
const CallTimeout = 10 * time.Second

// Connection has the clients for one cluster. Its methods and clients are safe for concurrent use.
type Connection struct {
	// Cluster is the cluster, Server the URL of its API.
	Cluster *model.Cluster
	Server  string
	// Config is for further clients. It limits neither rates nor times.
	Config *rest.Config
	// Core, Dynamic and Metadata have no time limits: the context of each call needs one.
	Core     corev1.CoreV1Interface
	Dynamic  dynamic.Interface
	Metadata metadata.Interface
	kinds    *kinds
}

// open makes the clients.
func (f *Frozen) open() (*Connection, error) {
	cluster, err := f.Cluster()
	if err != nil {
		return nil, err
	}
	if cluster == nil {
		return nil, errors.New("no Kubernetes cluster is configured: the kubeconfig is missing or has no current " +
			"context; set KUBECONFIG, or run `kubectl config use-context NAME`")
	}
	config, err := f.config.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("context %q of the kubeconfig: %w", cluster.Context, err)
	}
	config.QPS, config.Burst = -1, -1 // The API server has its own limits for each user.
	config.UserAgent = "tilt-session " + rest.DefaultKubernetesUserAgent()
	config.WarningHandlerWithContext = warnings{}
	return newConnection(cluster, config)
}

func newConnection(cluster *model.Cluster, config *rest.Config) (*Connection, error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("connect to context %q: %w", cluster.Context, err)
	}
	c := &Connection{Cluster: cluster, Server: config.Host, Config: config}
	var errs [4]error
	c.Core, errs[0] = corev1.NewForConfigAndClient(config, client)
	c.Dynamic, errs[1] = dynamic.NewForConfigAndClient(config, client)
	c.Metadata, errs[2] = metadata.NewForConfigAndClient(config, client)
	c.kinds, errs[3] = newKinds(config, client)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("connect to context %q: %w", cluster.Context, err)
	}
	return c, nil
}
