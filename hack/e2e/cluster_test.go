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
	// flags are of each replica, beside those of the storage, and trust verifies it.
	flags []string
	trust []byte
	// store is where replicas keep Sessions.
	store    *etcd.Cluster
	service  *endpoints.Endpoints
	replicas []*replica.Replica
	// front is what users reach replicas through: aggregator, unless that is nil.
	front      front
	aggregator *aggregator.Server
	// admin may do everything.
	admin *rest.Config
}

// front knows users and sends what they ask for to replicas.
type front interface {
	// User reaches it by a client certificate.
	User(name string, groups ...string) *rest.Config
}

// newCluster returns when a number of replicas is ready and the aggregator sends
// requests to them.
func newCluster(t testing.TB, replicas int, store *etcd.Cluster, flags ...string) *cluster {
	t.Helper()
	c := &cluster{
		t: t, store: store, directory: t.TempDir(), service: endpoints.New(t),
		users: pki.NewAuthority(t, "users"), servers: pki.NewAuthority(t, "servers"), proxies: pki.NewAuthority(t, "proxies"),
	}
	core := coreapi.Start(t, coreapi.Config{Bindings: bindings(t)})
	serving := c.servers.Server(serverName).Write(c.directory, "serving")
	c.trust = c.servers.PEM()
	c.flags = []string{
		"--tls-cert-file=" + serving.Cert, "--tls-private-key-file=" + serving.Key,
		"--requestheader-client-ca-file=" + c.proxies.Write(c.directory, "proxies"), "--requestheader-allowed-names=" + proxyName,
		"--authorization-kubeconfig=" + core.Kubeconfig(), "--allow-local-runner-endpoints",
		"--housekeeping=false", // It writes to Sessions without a claim.
	}
	c.flags = append(c.flags, flags...)
	proxy := c.proxies.Client(proxyName).Write(c.directory, "proxy-client")
	c.startReplicas(replicas)
	c.aggregator = aggregator.Start(t, aggregator.Config{
		Users: c.users, Tokens: []aggregator.Token{{Token: adminToken, User: "admin", Groups: []string{"system:masters"}}},
		Namespace: namespace, Service: service, Resolve: c.service.Address, ProxyClient: proxy,
	})
	c.front, c.admin = c.aggregator, c.aggregator.Bearer(adminToken)
	c.register()
	return c
}

// startReplicas returns when a number of them is ready.
func (c *cluster) startReplicas(number int) {
	c.t.Helper()
	for range number {
		r := c.startReplica()
		c.replicas = append(c.replicas, r)
		c.service.Add(r)
	}
	c.awaitReady(number)
}

// startReplica starts one more, and doesn't wait for it to be ready.
func (c *cluster) startReplica() *replica.Replica {
	c.t.Helper()
	path, err := program()
	if err != nil {
		c.t.Fatal(err)
	}
	return replica.Start(c.t, path, append([]string{
		"--etcd-servers=" + strings.Join(c.store.Endpoints(), ","),
		"--shutdown-delay-duration=2s", "--shutdown-drain-timeout=10s",
	}, c.flags...)...)
}

// awaitReady returns when so many replicas get requests.
func (c *cluster) awaitReady(replicas int) {
	c.t.Helper()
	c.eventually("the replicas are ready", func(context.Context) bool { return c.service.Ready() == replicas })
}

// register has the aggregator send requests to the service, and waits until that works.
func (c *cluster) register() {
	c.t.Helper()
	shipped := manifests.APIService(c.t)
	shipped.Spec.CABundle = c.trust
	if _, err := c.aggregator.APIServices().Create(c.t.Context(), shipped, metav1.CreateOptions{}); err != nil {
		c.t.Fatal(err)
	}
	c.aggregator.Await(shipped.Name)
	c.awaitDiscovery()
}

func (c *cluster) eventually(what string, happens func(context.Context) bool) {
	c.t.Helper()
	c.within(patience, what, happens)
}

func (c *cluster) within(limit time.Duration, what string, happens func(context.Context) bool) {
	c.t.Helper()
	err := wait.PollUntilContextTimeout(context.Background(), 20*time.Millisecond, limit, true, func(ctx context.Context) (bool, error) {
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
	client, err := discovery.NewDiscoveryClientForConfigAndClient(c.admin, httpClient(c.t, c.admin))
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
