// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"testing"

	"go.uber.org/goleak"

	"tilt.dev/session/pkg/conformance"
	"tilt.dev/session/pkg/testserver"
)

func TestConformance(t *testing.T) {
	server := testserver.Start(t)
	conformance.Run(t, conformance.Target{
		Config:     server.RESTConfig(),
		Kubeconfig: server.Kubeconfig(t),
	})
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
