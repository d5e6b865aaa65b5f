// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"testing"

	"tilt.dev/session/hack/e2e/kubeconfig"
	"tilt.dev/session/pkg/testing/conformance"
)

// testConformance: what a server of Sessions must do, it does behind an aggregator as
// well.
func testConformance(t *testing.T, c *cluster) {
	conformance.Run(t, conformance.Target{Config: c.admin, Kubeconfig: kubeconfig.Write(t, c.admin), Aggregated: true, Runners: true})
}
