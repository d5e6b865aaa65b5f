// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"tilt.dev/session/pkg/model"
)

// Node is what the first node of a cluster tells about all of them.
type Node struct {
	// Arch is the architecture as Go names it, such as "arm64", empty if it isn't known.
	Arch string
	// Runtime is the container runtime with its version, such as "docker://28.2.2".
	Runtime     string
	Annotations map[string]string
}

// Node returns the first node, without content if the user may not list nodes or there is none.
func (c *Connection) Node(ctx context.Context) (Node, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	list, err := c.Core.Nodes().List(ctx, metav1.ListOptions{Limit: 1})
	switch {
	case apierrors.IsForbidden(err), err == nil && len(list.Items) == 0:
		return Node{}, nil
	case err != nil:
		return Node{}, fmt.Errorf("list nodes: %w", c.Explain(err))
	}
	node := list.Items[0]
	return Node{
		Arch:        node.Labels[v1.LabelArchStable],
		Runtime:     node.Status.NodeInfo.ContainerRuntimeVersion,
		Annotations: node.Annotations,
	}, nil
}

// Registry returns the registry that the cluster names as its own and where it does, nil if it names none or the user
// may not read it. Its SingleName is empty.
func (c *Connection) Registry(ctx context.Context) (registry *model.Registry, source string, err error) {
	for _, find := range []func(context.Context) (*model.Registry, string, error){
		c.hostedRegistry, c.microK8sRegistry, c.annotatedRegistry,
	} {
		attempt, cancel := context.WithTimeout(ctx, CallTimeout)
		registry, source, err := find(attempt)
		cancel()
		switch {
		case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		case err != nil:
			return nil, "", fmt.Errorf("find the registry of the cluster: %w", c.Explain(err))
		case registry != nil:
			return registry, source, nil
		}
	}
	return nil, "", nil
}

// hostedRegistry reads the ConfigMap of KEP 1755.
func (c *Connection) hostedRegistry(ctx context.Context) (*model.Registry, string, error) {
	const name, key = "local-registry-hosting", "localRegistryHosting.v1"
	object, err := c.Core.ConfigMaps(metav1.NamespacePublic).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, "", err
	}
	source := fmt.Sprintf("ConfigMap %s/%s", metav1.NamespacePublic, name)
	registry, err := parseHosting(object.Data[key])
	if err != nil {
		return nil, "", fmt.Errorf("key %s of %s: %w", key, source, err)
	}
	return registry, source, nil
}

func parseHosting(text string) (*model.Registry, error) {
	var hosting struct {
		Host                     string `json:"host"`
		HostFromContainerRuntime string `json:"hostFromContainerRuntime"`
	}
	if err := yaml.Unmarshal([]byte(text), &hosting); err != nil {
		return nil, err
	}
	if hosting.Host == "" {
		return nil, nil
	}
	return &model.Registry{Host: hosting.Host, HostFromCluster: hosting.HostFromContainerRuntime}, nil
}

func (c *Connection) microK8sRegistry(ctx context.Context) (*model.Registry, string, error) {
	if c.Cluster.Product != model.ProductMicroK8s {
		return nil, "", nil
	}
	const namespace, name = "container-registry", "registry"
	service, err := c.Core.Services(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, "", err
	}
	for _, port := range service.Spec.Ports {
		if port.NodePort != 0 {
			host := fmt.Sprintf("localhost:%d", port.NodePort)
			return &model.Registry{Host: host}, fmt.Sprintf("Service %s/%s of MicroK8s", namespace, name), nil
		}
	}
	return nil, "", nil
}

func (c *Connection) annotatedRegistry(ctx context.Context) (*model.Registry, string, error) {
	node, err := c.Node(ctx)
	if err != nil {
		return nil, "", err
	}
	registry := nodeRegistry(node.Annotations)
	return registry, "annotation of the node", nil
}

func nodeRegistry(annotations map[string]string) *model.Registry {
	for _, key := range []string{"tilt.dev/registry", "kind.x-k8s.io/registry"} {
		if host := annotations[key]; host != "" {
			return &model.Registry{Host: host, HostFromCluster: annotations[key+"-from-cluster"]}
		}
	}
	return nil
}
