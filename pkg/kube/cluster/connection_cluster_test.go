//go:build cluster

// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"runtime"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The cluster of KUBECONFIG answers.
func TestConnection(t *testing.T) {
	f := Freeze(Options{Directory: t.TempDir()})
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	c, err := f.Connection()
	if err != nil {
		t.Fatal(err)
	}
	if node, err := c.Node(t.Context()); err != nil || node.Arch != runtime.GOARCH || node.Runtime == "" {
		t.Errorf("node %+v, %v", node, err)
	}
	if registry, source, err := c.Registry(t.Context()); err != nil {
		t.Errorf("registry %+v of %s, %v", registry, source, err)
	}
	deployment := schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	if _, namespaced, err := c.Resource(t.Context(), deployment, ""); err != nil || !namespaced {
		t.Errorf("Deployment: %v, %v", namespaced, err)
	}
}
