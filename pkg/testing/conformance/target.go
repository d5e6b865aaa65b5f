// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"testing"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/generated/clientset/versioned"
	sessionclient "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
)

// Target is a server to be tested, with the access of its user.
type Target struct {
	// Config reaches the server as a user who may do everything with Sessions and read the paths that aren't of a
	// resource. It shouldn't limit the rate of requests.
	Config *rest.Config
	// Kubeconfig is the path of a file whose current context reaches the same server as the same user.
	Kubeconfig string
	// Aggregated is true if Config reaches the server through an aggregator,
	// which answers for everything outside of the group by itself.
	Aggregated bool
	// UI is true if the server has UIResources and UIButtons, which no run of its own process fills.
	UI bool
	// Runners is true if the server has Runners.
	Runners bool
}

// server is a target with clients that share their connections.
type server struct {
	Target
	http     *http.Client
	sessions sessionclient.SessionInterface
	dynamic  dynamic.NamespaceableResourceInterface
}

func newServer(t *testing.T, target Target) *server {
	t.Helper()
	s := &server{Target: target, http: newHTTPClient(t, target.Config)}
	clientset, err := versioned.NewForConfigAndClient(target.Config, s.http)
	if err != nil {
		t.Fatalf("typed client: %v", err)
	}
	s.sessions = clientset.TiltV1alpha1().Sessions()
	untyped, err := dynamic.NewForConfigAndClient(target.Config, s.http)
	if err != nil {
		t.Fatalf("dynamic client: %v", err)
	}
	s.dynamic = untyped.Resource(resource)
	return s
}

// newHTTPClient authenticates as config says. It has connections of its own, which end with the test, and shows
// answers as they were sent: it neither decompresses nor follows redirects.
func newHTTPClient(t *testing.T, config *rest.Config) *http.Client {
	t.Helper()
	tlsConfig, err := rest.TLSConfigFor(config)
	if err != nil {
		t.Fatalf("TLS of the target: %v", err)
	}
	transport := &http.Transport{
		TLSClientConfig:     tlsConfig,
		DisableCompression:  true,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 64,
	}
	t.Cleanup(transport.CloseIdleConnections)
	authenticated, err := rest.HTTPWrappersForConfig(config, transport)
	if err != nil {
		t.Fatalf("credentials of the target: %v", err)
	}
	return &http.Client{
		Transport:     authenticated,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
