// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"testing"

	"tilt.dev/session/hack/e2e/kubeconfig"
	"tilt.dev/session/pkg/conformance"
)

// testConformance: what a server of Sessions must do, it does behind an aggregator as
// well.
func testConformance(t *testing.T, c *cluster) {
	admin := c.front.Bearer(adminToken)
	conformance.Run(t, conformance.Target{Config: admin, Kubeconfig: kubeconfig.Write(t, admin), Aggregated: true})
}
