// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package manifests_test checks api/deploy/kubernetes: that it can be built, that
// kube-apiserver would know each field, that what refers to something else finds it,
// and that the server takes the flags and serves what the roles are about.
package manifests_test

import (
	"io"
	"testing"

	"go.uber.org/goleak"
	"k8s.io/klog/v2"
)

func TestMain(m *testing.M) {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
		// Each consistent read from the watch cache leaves one for three seconds.
		goleak.IgnoreTopFunction("k8s.io/apiserver/pkg/storage/cacher.(*watchCache).waitUntilFreshAndBlock.func2"),
	)
}
