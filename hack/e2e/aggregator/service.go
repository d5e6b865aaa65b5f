// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregator

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	aggregator "k8s.io/kube-aggregator/pkg/apiserver"
)

// services finds the endpoints of services of one namespace, and counts by port how
// often it was asked for those of each.
type services struct {
	mu      sync.Mutex
	resolve map[string]func() (string, error)
	asked   map[string]map[int32]int
}

var _ aggregator.ServiceResolver = (*services)(nil)

func newServices() *services {
	return &services{resolve: map[string]func() (string, error){}, asked: map[string]map[int32]int{}}
}

// addService has requests for a service be sent where resolve says, for each request.
func (s *Server) addService(name string, resolve func() (string, error)) {
	s.t.Helper()
	s.services.mu.Lock()
	s.services.resolve[name], s.services.asked[name] = resolve, map[int32]int{}
	s.services.mu.Unlock()
	_, err := s.core.CoreV1().Services(s.config.Namespace).Create(context.Background(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.config.Namespace, Name: name},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
	}, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
}

// ResolveEndpoint implements aggregator.ServiceResolver.
func (s *services) ResolveEndpoint(namespace, name string, port int32) (*url.URL, error) {
	s.mu.Lock()
	resolve := s.resolve[name]
	if resolve != nil {
		s.asked[name][port]++
	}
	s.mu.Unlock()
	if resolve == nil {
		return nil, fmt.Errorf("there's no service %s/%s", namespace, name)
	}
	address, err := resolve()
	if err != nil {
		return nil, fmt.Errorf("service %s/%s: %w", namespace, name, err)
	}
	return &url.URL{Scheme: "https", Host: address}, nil
}

func (s *services) ports(name string) map[int32]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.asked[name])
}
