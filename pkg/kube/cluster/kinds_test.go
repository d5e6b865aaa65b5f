// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/model"
)

// The end of a context ends the question for a kind that the cluster doesn't answer, and those that wait behind it.
func TestMappingEndsWithContext(t *testing.T) {
	asked, ended := make(chan struct{}, 100), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-r.Context().Done():
		case <-ended:
		}
	}))
	defer server.Close()
	defer close(ended)
	c, err := newConnection(&model.Cluster{Namespace: "dev"}, &rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var questions sync.WaitGroup
	for range 3 {
		questions.Go(func() {
			_, err := c.Mapping(ctx, schema.GroupKind{Group: "apps", Kind: "Deployment"}, "v1")
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error: %v", err)
			}
		})
	}
	<-asked
	cancel()
	questions.Wait()
}
