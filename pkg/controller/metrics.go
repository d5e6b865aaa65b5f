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

// The metrics of all Controllers of a process. They count Sessions by name, so the Controllers of one process
// should run different ones.
var (
	targetsMetric = metrics.NewGaugeVec(
		gauge("targets", "Number of targets of a running Session, by type and state."),
		[]string{"session", "type", "state"},
	)
	doneMetric    = metrics.NewGauge(gauge("done", "Number of Sessions that are done and whose runs have not ended yet."))
	runningMetric = metrics.NewGauge(gauge("running", "Number of Sessions of which processes may run in this process."))
	waitingMetric = metrics.NewGauge(gauge("waiting", "Number of Sessions that wait for others to end."))
	claimsMetric  = metrics.NewCounterVec(&metrics.CounterOpts{
		Name:           "tilt_session_claims_total",
		Help:           "Number of Sessions that this process has tried to claim, by result: won or lost.",
		StabilityLevel: metrics.ALPHA,
	}, []string{"result"})
	failuresMetric = metrics.NewCounter(&metrics.CounterOpts{
		Name:           "tilt_session_exit_failures_total",
		Help:           "Number of Sessions run by this process that ended with a failure.",
		StabilityLevel: metrics.ALPHA,
	})
)

func gauge(name, help string) *metrics.GaugeOpts {
	return &metrics.GaugeOpts{Name: "tilt_session_" + name, Help: help, StabilityLevel: metrics.ALPHA}
}

var registerMetrics = sync.OnceFunc(func() {
	legacyregistry.MustRegister(targetsMetric, doneMetric, runningMetric, waitingMetric, failuresMetric, claimsMetric)
})

var targetTypes = []v1alpha1.TargetType{v1alpha1.TargetTypeJob, v1alpha1.TargetTypeServer}

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
		for phase := session.PhaseInactive; phase <= session.PhaseDisabled; phase++ {
			targetsMetric.WithLabelValues(name, string(kind), phase.String()).Set(float64(counts[key{kind, phase}]))
		}
	}
}

// forgetMetrics stops counting a Session whose run has ended.
func forgetMetrics(name string, done bool) {
	targetsMetric.DeletePartialMatch(map[string]string{"session": name})
	if done {
		doneMetric.Dec()
	}
	runningMetric.Dec()
}
