// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregator

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"
	apiregistration "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/typed/apiregistration/v1"
)

// patience is how long the aggregator may take to take up what it's told.
const patience = time.Minute

// Stranger reaches the aggregator, verified, as nobody. It doesn't limit the rate
// of requests.
func (s *Server) Stranger() *rest.Config {
	return &rest.Config{Host: s.url, QPS: -1, TLSClientConfig: rest.TLSClientConfig{CAData: s.authority.PEM()}}
}

// User reaches the aggregator by a client certificate.
func (s *Server) User(name string, groups ...string) *rest.Config {
	s.t.Helper()
	config, pair := s.Stranger(), s.config.Users.Client(name, groups...)
	config.CertData, config.KeyData = pair.Cert, pair.Key
	return config
}

// Bearer reaches the aggregator by a token.
func (s *Server) Bearer(token string) *rest.Config {
	config := s.Stranger()
	config.BearerToken = token
	return config
}

// APIServices is a client of what the aggregator itself keeps.
func (s *Server) APIServices() apiregistration.APIServiceInterface {
	s.t.Helper()
	return s.clientset().ApiregistrationV1().APIServices()
}

// clientset has connections of its own, which end with the test.
func (s *Server) clientset() *clientset.Clientset {
	s.t.Helper()
	client, err := rest.HTTPClientFor(s.loopback)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { utilnet.CloseIdleConnectionsFor(client.Transport) })
	set, err := clientset.NewForConfigAndClient(s.loopback, client)
	if err != nil {
		s.t.Fatal(err)
	}
	return set
}

// Await returns when an APIService is available.
func (s *Server) Await(name string) {
	s.t.Helper()
	services := s.APIServices()
	s.eventually(name+" is available", func(ctx context.Context) bool {
		service, err := services.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false
		}
		for _, condition := range service.Status.Conditions {
			if condition.Type == apiregistrationv1.Available {
				return condition.Status == apiregistrationv1.ConditionTrue
			}
		}
		return false
	})
}

func (s *Server) awaitReady() {
	s.t.Helper()
	set := s.clientset()
	s.eventually("the aggregator is ready", func(ctx context.Context) bool {
		return set.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() == nil
	})
}

func (s *Server) eventually(what string, happens func(context.Context) bool) {
	s.t.Helper()
	err := wait.PollUntilContextTimeout(context.Background(), 20*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		return happens(ctx), nil
	})
	if err != nil {
		s.t.Fatalf("waiting until %s: %v", what, err)
	}
}
