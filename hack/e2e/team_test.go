// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"testing"

	"tilt.dev/session/hack/e2e/etcd"
)

// TestTeam has one cluster for all that its users do and that disturbs nobody.
func TestTeam(t *testing.T) {
	c := newCluster(t, 2, etcd.Start(t, etcd.Config{}))
	for name, test := range map[string]func(*testing.T, *cluster){
		"discovery":   testDiscovery,
		"users":       testUsers,
		"spoofing":    testSpoofing,
		"conformance": testConformance,
		"page":        testPage,
	} {
		t.Run(name, func(t *testing.T) { test(t, c) })
	}
}
