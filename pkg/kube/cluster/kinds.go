// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// kinds are the kinds of a cluster, read at the first question. The client-go packages that read them know no contexts,
// so one question is asked at a time, and its context ends the requests that it leads to.
type kinds struct {
	reader discovery.DiscoveryInterface
	base   http.RoundTripper
	// asking holds a value while a question is being answered. It guards the rest.
	asking chan struct{}
	// asked is the context of the question.
	asked context.Context
	// mapper has the kinds that were read last, nil before.
	mapper meta.RESTMapper
}

func newKinds(config *rest.Config, client *http.Client) (*kinds, error) {
	k := &kinds{base: client.Transport, asking: make(chan struct{}, 1), asked: context.Background()}
	if k.base == nil {
		k.base = http.DefaultTransport
	}
	limited := *client
	limited.Timeout, limited.Transport = CallTimeout, k
	reader, err := discovery.NewDiscoveryClientForConfigAndClient(config, &limited)
	if err != nil {
		return nil, err
	}
	k.reader = reader
	return k, nil
}

// RoundTrip implements http.RoundTripper. All of an answer is read while its question is being answered.
func (k *kinds) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(request.Context())
	context.AfterFunc(k.asked, cancel)
	return k.base.RoundTrip(request.WithContext(ctx))
}

// ask has only one question be answered at a time.
func (k *kinds) ask(ctx context.Context, question func()) error {
	select {
	case k.asking <- struct{}{}:
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var answered context.CancelFunc
	k.asked, answered = context.WithCancel(ctx)
	defer func() {
		answered()
		<-k.asking
	}()
	question()
	return nil
}

// Mapping returns what the cluster says of a kind. One that isn't known has all kinds be read again.
func (c *Connection) Mapping(ctx context.Context, kind schema.GroupKind, version string) (
	mapping *meta.RESTMapping, err error,
) {
	late := c.kinds.ask(ctx, func() {
		if mapper := c.kinds.mapper; mapper != nil {
			if mapping, err = mapper.RESTMapping(kind, version); !meta.IsNoMatchError(err) {
				return
			}
		}
		if err = c.kinds.read(); err == nil {
			mapping, err = c.kinds.mapper.RESTMapping(kind, version)
		}
	})
	if late != nil {
		return nil, late
	}
	return mapping, err
}

// read reads the kinds. The groups that can't be read, such as those of an extension that is away, are left out.
func (k *kinds) read() error {
	resources, err := restmapper.GetAPIGroupResources(k.reader)
	if err != nil {
		return fmt.Errorf("read the kinds of the cluster: %w", err)
	}
	k.mapper = restmapper.NewDiscoveryRESTMapper(resources)
	return nil
}

// ForgetKinds has the kinds be read again for the next question.
func (c *Connection) ForgetKinds(ctx context.Context) {
	// An error is that of the context, with which no question follows.
	_ = c.kinds.ask(ctx, func() { c.kinds.mapper = nil })
}

// Resource returns the client for objects of a kind in a namespace. The namespace doesn't count for a kind without
// namespaces, and is that of the cluster if it's empty.
func (c *Connection) Resource(ctx context.Context, gvk schema.GroupVersionKind, namespace string) (
	client dynamic.ResourceInterface, namespaced bool, err error,
) {
	mapping, err := c.Mapping(ctx, gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, false, err
	}
	resource := c.Dynamic.Resource(mapping.Resource)
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return resource, false, nil
	}
	if namespace == "" {
		namespace = c.Cluster.Namespace
	}
	return resource.Namespace(namespace), true, nil
}
