// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"os"
	"testing"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/testing/conformance"
	testserver "tilt.dev/session/pkg/testing/server"
)

func TestConformance(t *testing.T) {
	server := testserver.Start(t)
	conformance.Run(t, conformance.Target{
		Config:     server.RESTConfig(),
		Kubeconfig: server.Kubeconfig(t),
		UI:         true,
		Runners:    true,
	})
}

func TestMain(m *testing.M) {
	klog.SetLogger(logr.Discard())
	goleak.VerifyTestMain(m,
		// It wakes readers that wait for a version, and sleeps for three
		// seconds even when they don't need it any more.
		goleak.IgnoreTopFunction("k8s.io/apiserver/pkg/storage/cacher.(*watchCache).waitUntilFreshAndBlock.func2"),
		goleak.Cleanup(func(code int) {
			klog.StopFlushDaemon()
			os.Exit(code)
		}))
}
