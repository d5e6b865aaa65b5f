// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	openapi "github.com/google/gnostic-models/openapiv2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"tilt.dev/session/hack/e2e/aggregator"
	"tilt.dev/session/hack/e2e/coreapi"
	"tilt.dev/session/hack/e2e/endpoints"
	"tilt.dev/session/hack/e2e/etcd"
	"tilt.dev/session/hack/e2e/manifests"
	"tilt.dev/session/hack/e2e/pki"
	"tilt.dev/session/hack/e2e/replica"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	sessionclient "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
)

const (
	namespace      = "tilt-session"
	service        = "tilt-session"
	apiServiceName = "v1alpha1.tilt.dev"
	serverName     = service + "." + namespace + ".svc"
	// proxyName is the one certificate that speaks for others.
	proxyName = "front-proxy-client"
	// patience is how long anything may take.
	patience = time.Minute
)

// cluster is a team's API: replicas, which know their users by the aggregator in
// front and what those may do by a core API server.
type cluster struct {
	t testing.TB
	// users, servers and proxies sign the certificates of those.
	users, servers, proxies *pki.Authority
	// directory has what replicas and aggregator read.
	directory string
	core      *coreapi.Server
	// store is where replicas keep Sessions.
	store    *etcd.Cluster
	service  *endpoints.Endpoints
	replicas []*replica.Replica
	front    *aggregator.Server
}

// newCluster returns when a number of replicas is ready and the aggregator sends
// requests to them.
func newCluster(t testing.TB, replicas int, store *etcd.Cluster) *cluster {
	t.Helper()
	c := &cluster{
		t: t, store: store, directory: t.TempDir(),
		users: pki.NewAuthority(t, "users"), servers: pki.NewAuthority(t, "servers"), proxies: pki.NewAuthority(t, "proxies"),
		core: coreapi.Start(t, coreapi.Config{Bindings: bindings(t)}),
	}
	c.servers.Server(serverName).Write(c.directory, "serving")
	c.proxies.Write(c.directory, "proxies")
	proxy := c.proxies.Client(proxyName).Write(c.directory, "proxy-client")
	for range replicas {
		c.replicas = append(c.replicas, c.startReplica())
	}
	c.service = endpoints.New(t)
	for _, r := range c.replicas {
		c.service.Add(r)
	}
	c.awaitReady(replicas)
	c.front = aggregator.Start(t, aggregator.Config{
		Users: c.users, Tokens: []aggregator.Token{{Token: adminToken, User: "admin", Groups: []string{"system:masters"}}},
		Namespace: namespace, Service: service, Resolve: c.service.Address, ProxyClient: proxy,
	})
	c.register(c.servers)
	return c
}

// startReplica starts one more, and doesn't wait for it to be ready.
func (c *cluster) startReplica() *replica.Replica {
	c.t.Helper()
	path, err := program()
	if err != nil {
		c.t.Fatal(err)
	}
	in := func(name string) string { return c.directory + "/" + name }
	return replica.Start(c.t, path, "--etcd-servers="+strings.Join(c.store.Endpoints(), ","),
		"--tls-cert-file="+in("serving.crt"), "--tls-private-key-file="+in("serving.key"),
		"--requestheader-client-ca-file="+in("proxies.crt"), "--requestheader-allowed-names="+proxyName,
		"--authorization-kubeconfig="+c.core.Kubeconfig(),
		"--shutdown-delay-duration=2s", "--shutdown-drain-timeout=10s")
}

// awaitReady returns when so many replicas get requests.
func (c *cluster) awaitReady(replicas int) {
	c.t.Helper()
	c.eventually("the replicas are ready", func(context.Context) bool { return c.service.Ready() == replicas })
}

// register has the aggregator send requests to the service, and trust who an
// authority has signed. It waits until that works.
func (c *cluster) register(authority *pki.Authority) {
	c.t.Helper()
	shipped := manifests.APIService(c.t)
	shipped.Spec.CABundle = authority.PEM()
	if _, err := c.front.APIServices().Create(c.t.Context(), shipped, metav1.CreateOptions{}); err != nil {
		c.t.Fatal(err)
	}
	c.front.Await(shipped.Name)
	c.awaitDiscovery()
}

func (c *cluster) eventually(what string, happens func(context.Context) bool) {
	c.t.Helper()
	err := wait.PollUntilContextTimeout(context.Background(), 20*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		return happens(ctx), nil
	})
	if err != nil {
		c.t.Fatalf("waiting until %s: %v", what, err)
	}
}

// awaitDiscovery returns when the aggregator tells what the service has, which it
// asks it for again and again, and doesn't wait for when it sends it requests.
func (c *cluster) awaitDiscovery() {
	c.t.Helper()
	config := c.front.Bearer(adminToken)
	client, err := discovery.NewDiscoveryClientForConfigAndClient(config, httpClient(c.t, config))
	if err != nil {
		c.t.Fatal(err)
	}
	c.eventually("what the service has is found", func(context.Context) bool {
		if _, _, err := client.ServerGroupsAndResources(); err != nil {
			return false
		}
		paths, err := client.OpenAPIV3().Paths()
		if err != nil || paths["apis/tilt.dev/v1alpha1"] == nil {
			return false
		}
		document, err := client.OpenAPISchema()
		return err == nil && slices.ContainsFunc(document.GetDefinitions().GetAdditionalProperties(), func(definition *openapi.NamedSchema) bool {
			return strings.HasSuffix(definition.GetName(), ".Session")
		})
	})
}

// replace starts a new replica beside an old one, and stops that when the new one is
// ready, as a Deployment does.
func (c *cluster) replace(index int) {
	c.t.Helper()
	old := c.replicas[index]
	c.replicas[index] = c.startReplica()
	c.service.Add(c.replicas[index])
	c.awaitReady(len(c.replicas) + 1)
	old.Stop()
	c.service.Remove(old)
	c.awaitReady(len(c.replicas))
}

// sessions are as a user sees them.
func (c *cluster) sessions(config *rest.Config) sessionclient.SessionInterface {
	c.t.Helper()
	set, err := versioned.NewForConfigAndClient(config, httpClient(c.t, config))
	if err != nil {
		c.t.Fatal(err)
	}
	return set.TiltV1alpha1().Sessions()
}

// httpClient has connections of its own, which end with the test.
func httpClient(t testing.TB, config *rest.Config) *http.Client {
	t.Helper()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { utilnet.CloseIdleConnectionsFor(client.Transport) })
	return client
}
