// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregator

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// enough requests are sent to know how all are, which is more than the aggregator
// sends itself to see if a service is available.
const enough = 20

// Change changes an APIService, and returns when all requests are sent as it says.
// Users have to send some meanwhile.
//
// To know, it changes the port of the service too, which means nothing here: from
// some request on it's always the new one that an endpoint is asked for.
func (s *Server) Change(name string, change func(*apiregistrationv1.APIServiceSpec)) {
	s.t.Helper()
	var service string
	var port int32
	client := s.APIServices()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		current, err := client.Get(context.Background(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		change(&current.Spec)
		service, port = current.Spec.Service.Name, *current.Spec.Service.Port+1
		current.Spec.Service.Port = &port
		_, err = client.Update(context.Background(), current, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		s.t.Fatalf("changing %s: %v", name, err)
	}
	before := s.services.ports(service)
	s.eventually("requests are sent as "+name+" says", func(context.Context) bool {
		now := s.services.ports(service)
		if now[port] < before[port]+enough {
			return false
		}
		for other, count := range now {
			if other != port && count != before[other] {
				before = now
				return false
			}
		}
		return true
	})
}
