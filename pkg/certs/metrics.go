// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"sync"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

// The metrics of a process, in which one certificate is expected to be shared.
var (
	expiration = metrics.NewGauge(&metrics.GaugeOpts{
		Name:           "tilt_session_serving_certificate_expiration_timestamp_seconds",
		Help:           "When the serving certificate expires that's shared with other servers, in seconds since 1970.",
		StabilityLevel: metrics.ALPHA,
	})
	failures = metrics.NewCounter(&metrics.CounterOpts{
		Name:           "tilt_session_serving_certificate_failures_total",
		Help:           "Number of times that the shared serving certificate or its authority couldn't be read, renewed or published.",
		StabilityLevel: metrics.ALPHA,
	})
)

// registerMetrics makes the metrics known to the server's /metrics.
var registerMetrics = sync.OnceFunc(func() {
	legacyregistry.MustRegister(expiration, failures)
})
