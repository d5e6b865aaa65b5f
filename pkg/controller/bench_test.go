// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/watch"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// BenchmarkPublish takes a change of one job from the run to a watch.
func BenchmarkPublish(b *testing.B) {
	for _, jobs := range []int{1, 10, 50, 200, 1000} {
		b.Run(fmt.Sprintf("jobs=%d", jobs), func(b *testing.B) {
			s := newStage(b, "Tiltfile")
			s.begin()
			seen, a := s.perform(newSession("Tiltfile", v1alpha1.ExitConditionManual))
			var resources []engine.ResourceState
			for i := range jobs {
				resources = append(resources, job(fmt.Sprintf("job-%03d", i), waiting))
			}
			a.load(&model.CISettings{}, resources...)
			seen.awaitTargets(jobs + 1)
			version := ""
			for i := 0; b.Loop(); i++ {
				a.update(0, []*engine.UpdateState{running, succeeded}[i%2])
				version = seen.await("a change", func(_ watch.EventType, s *v1alpha1.Session) bool {
					return s.ResourceVersion != version
				}).ResourceVersion
			}
		})
	}
}

// BenchmarkBacklog is what a run pays for a snapshot.
func BenchmarkBacklog(b *testing.B) {
	snap := moment("")
	for i := range 1000 {
		snap.Resources = append(snap.Resources, job(fmt.Sprintf("job-%03d", i), waiting))
	}
	var log backlog
	for b.Loop() {
		log.push(snap)
	}
}
