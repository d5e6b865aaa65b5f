// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"sync"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

// The metrics are those of a process, which is expected to have one shared certificate.
var (
	expiration = metrics.NewGauge(&metrics.GaugeOpts{
		Name:           "tilt_session_serving_certificate_expiration_timestamp_seconds",
		Help:           "Unix time at which the serving certificate that is shared with other servers expires.",
		StabilityLevel: metrics.ALPHA,
	})
	failures = metrics.NewCounter(&metrics.CounterOpts{
		Name:           "tilt_session_serving_certificate_failures_total",
		Help:           "Number of failures to read, renew or publish the shared serving certificate or its authority.",
		StabilityLevel: metrics.ALPHA,
	})
)

// registerMetrics adds the metrics to the server's /metrics.
var registerMetrics = sync.OnceFunc(func() {
	legacyregistry.MustRegister(expiration, failures)
})
