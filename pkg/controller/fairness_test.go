// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

// BenchmarkFairness stores changes of a small Session while large ones change all
// the time, and tells how long that takes.
func BenchmarkFairness(b *testing.B) {
	for _, large := range []int{0, 1, 4} {
		b.Run(fmt.Sprintf("beside=%d", large), func(b *testing.B) {
			names := []string{"small"}
			for i := range large {
				names = append(names, fmt.Sprintf("large-%d", i))
			}
			s := newStage(b, names...)
			s.config.Clock = clock.RealClock{}
			written := make(chan struct{}, 10)
			s.afterRequest = func(request *http.Request) {
				if strings.HasSuffix(request.URL.Path, "/small/status") {
					written <- struct{}{}
				}
			}
			s.begin()
			stop := make(chan struct{})
			var chatter sync.WaitGroup
			for _, name := range names[1:] {
				seen := s.create(newSession(name, v1alpha1.ExitConditionManual))
				a := s.actor(name)
				a.load(&model.CISettings{}, jobs(1000)...)
				seen.awaitTargets(1001)
				seen.watch.Stop()
				chatter.Go(func() { a.chatter(stop) })
			}
			s.create(newSession("small", v1alpha1.ExitConditionManual)).watch.Stop()
			a := s.actor("small")
			a.load(&model.CISettings{}, job("a", waiting))
			s.awaitStored("small", func(s *v1alpha1.Session) bool { return len(s.Status.Targets) == 2 })
			for len(written) > 0 {
				<-written
			}

			var delays []time.Duration
			for i := 0; b.Loop(); i++ {
				begin := time.Now()
				a.update(0, []*engine.UpdateState{running, succeeded}[i%2])
				<-written
				delays = append(delays, time.Since(begin))
			}
			close(stop)
			chatter.Wait()
			slices.Sort(delays)
			for _, percent := range []int{50, 99} {
				b.ReportMetric(float64(delays[len(delays)*percent/100].Microseconds())/1000, fmt.Sprintf("p%d-ms", percent))
			}
		})
	}
}

func jobs(n int) []engine.ResourceState {
	resources := make([]engine.ResourceState, n)
	for i := range resources {
		resources[i] = job(fmt.Sprintf("job-%04d", i), waiting)
	}
	return resources
}

// chatter changes a job every millisecond.
func (a *actor) chatter(stop <-chan struct{}) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-tick.C:
			a.update(i%1000, []*engine.UpdateState{running, succeeded}[i/1000%2])
		}
	}
}

// Writes of large Sessions that get stuck, as many as there are workers, don't
// keep a small one from being published.
func TestLargeSessionsLeaveWorkersToOthers(t *testing.T) {
	names := []string{"small"}
	for i := range workers + 1 {
		names = append(names, fmt.Sprintf("large-%d", i))
	}
	s := newStage(t, names...)
	release := make(chan struct{})
	var once sync.Once
	defer once.Do(func() { close(release) })
	s.beforeRequest = func(request *http.Request) {
		if strings.HasSuffix(request.URL.Path, "/status") && request.ContentLength > 10_000 {
			<-release
		}
	}
	s.begin()
	var large []*audience
	for _, name := range names[1:] {
		large = append(large, s.create(newSession(name, v1alpha1.ExitConditionManual)))
		s.actor(name).load(&model.CISettings{}, jobs(manyResources+1)...)
	}
	seen, a := s.perform(newSession("small", v1alpha1.ExitConditionManual))
	a.load(&model.CISettings{}, job("a", running))
	seen.awaitTargets(2)
	for _, state := range []*engine.UpdateState{succeeded, running, failed} {
		a.update(0, state)
	}
	seen.awaitPhase("a:update", session.PhaseFailed)
	once.Do(func() { close(release) })
	for _, seen := range large {
		seen.await("all targets", func(_ watch.EventType, s *v1alpha1.Session) bool { return len(s.Status.Targets) == manyResources+2 })
	}
}
