// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"sync"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
)

// The metrics of all Controllers of a process. They count Sessions by name, so
// Controllers of one process are expected to run different ones.
var (
	targetsMetric = metrics.NewGaugeVec(&metrics.GaugeOpts{
		Name:           "tilt_session_targets",
		Help:           "Number of targets of a Session that's run here, by type and state.",
		StabilityLevel: metrics.ALPHA,
	}, []string{"session", "type", "state"})
	doneMetric = metrics.NewGauge(&metrics.GaugeOpts{
		Name:           "tilt_session_done",
		Help:           "Number of Sessions run here that are done.",
		StabilityLevel: metrics.ALPHA,
	})
	runningMetric = metrics.NewGauge(&metrics.GaugeOpts{
		Name:           "tilt_session_running",
		Help:           "Number of Sessions run here whose processes may not all have ended.",
		StabilityLevel: metrics.ALPHA,
	})
	waitingMetric = metrics.NewGauge(&metrics.GaugeOpts{
		Name:           "tilt_session_waiting",
		Help:           "Number of Sessions that are to be run here when others have ended.",
		StabilityLevel: metrics.ALPHA,
	})
	failuresMetric = metrics.NewCounter(&metrics.CounterOpts{
		Name:           "tilt_session_exit_failures_total",
		Help:           "Number of Sessions run here that were done with a failure.",
		StabilityLevel: metrics.ALPHA,
	})
)

// registerMetrics makes the metrics known to the server's /metrics.
var registerMetrics = sync.OnceFunc(func() {
	legacyregistry.MustRegister(targetsMetric, doneMetric, runningMetric, waitingMetric, failuresMetric)
})

var (
	targetTypes  = []v1alpha1.TargetType{v1alpha1.TargetTypeJob, v1alpha1.TargetTypeServer}
	targetPhases = []session.Phase{
		session.PhaseInactive, session.PhaseWaiting, session.PhaseActive, session.PhaseReady,
		session.PhaseSucceeded, session.PhaseFailed, session.PhaseDisabled,
	}
)

// recordMetrics counts the targets of a Session.
func recordMetrics(name string, status v1alpha1.SessionStatus) {
	type key struct {
		kind  v1alpha1.TargetType
		phase session.Phase
	}
	counts := map[key]int{}
	for _, t := range status.Targets {
		counts[key{t.Type, session.PhaseOf(t.State)}]++
	}
	for _, kind := range targetTypes {
		for _, phase := range targetPhases {
			targetsMetric.WithLabelValues(name, string(kind), phase.String()).Set(float64(counts[key{kind, phase}]))
		}
	}
}

// countVerdict counts a Session that's done.
func countVerdict(verdict session.Verdict) {
	doneMetric.Inc()
	if verdict != session.Succeeded {
		failuresMetric.Inc()
	}
}

// forgetMetrics stops counting a Session that isn't run any more.
func forgetMetrics(name string, done bool) {
	for _, kind := range targetTypes {
		for _, phase := range targetPhases {
			targetsMetric.DeleteLabelValues(name, string(kind), phase.String())
		}
	}
	if done {
		doneMetric.Dec()
	}
	runningMetric.Dec()
}
