// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package local_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/local"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// instant is an update that has ended at once.
type instant struct{}

var over = func() chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}()

func (instant) StartUpdate(engine.UpdateRequest) (engine.Activity, error) { return instant{}, nil }

func (instant) PID() int              { return 1 }
func (instant) Done() <-chan struct{} { return over }
func (instant) End() engine.End       { return engine.End{} }
func (instant) Ending() bool          { return true }
func (instant) Stop(time.Duration)    {}

// BenchmarkJobs is what the engine itself costs: a run of jobs that take no time at all.
func BenchmarkJobs(b *testing.B) {
	jobs := func(n int, options ...option) []model.Resource {
		var list []model.Resource
		for i := range n {
			list = append(list, script(fmt.Sprintf("j%d", i), "true", options...))
		}
		return list
	}
	chain := jobs(1000, parallel)
	for i := range chain[1:] {
		chain[i+1].ResourceDeps = []string{chain[i].Name}
	}
	b.Run("1000 of 8 at once", func(b *testing.B) { benchmark(b, jobs(1000, parallel), instant{}) })
	b.Run("20000 of 8 at once", func(b *testing.B) { benchmark(b, jobs(20_000, parallel), instant{}) })
	b.Run("1000 one by one", func(b *testing.B) { benchmark(b, jobs(1000), instant{}) })
	b.Run("1000 in a chain", func(b *testing.B) { benchmark(b, chain, instant{}) })
}

// BenchmarkProcesses is a run of processes that do nothing.
func BenchmarkProcesses(b *testing.B) {
	runner, err := process.New(process.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer runner.Close()
	commands := &local.Commands{Start: runner.Start}
	for _, n := range []int{1, 50} {
		var chain []model.Resource
		for i := range n {
			r := script(fmt.Sprintf("j%d", i), "true")
			if i > 0 {
				r.ResourceDeps = []string{chain[i-1].Name}
			}
			chain = append(chain, r)
		}
		b.Run(fmt.Sprintf("%d in a chain", n), func(b *testing.B) { benchmark(b, chain, commands) })
	}
	var wide []model.Resource
	for i := range 1000 {
		wide = append(wide, script(fmt.Sprintf("j%d", i), "true", parallel))
	}
	b.Run("1000 of 8 at once", func(b *testing.B) { benchmark(b, wide, commands) })
}

// benchmark runs resources, eight at once.
func benchmark(b *testing.B, resources []model.Resource, updates engine.Updater) {
	project := projectOf(resources...)
	project.MaxParallelUpdates = 8
	for b.Loop() {
		ctx, cancel := context.WithCancel(b.Context())
		var last *engine.Snapshot
		err := engine.New(engine.Config{
			Tiltfile: "/project/Tiltfile",
			Load:     loaded(project),
			Updates:  updates,
			Logs:     logs.New(1<<20, clock.RealClock{}),
			Environ:  os.Environ(),
			OnChange: func(s *engine.Snapshot) {
				if last = s; finished(s) {
					cancel()
				}
			},
		}).Run(ctx)
		if err != nil || !finished(last) {
			b.Fatal(err, show(last))
		}
	}
}

// finished looks at the last resources first, which are mostly the last to end.
func finished(s *engine.Snapshot) bool {
	for i := len(s.Resources) - 1; i >= 0; i-- {
		if s.Resources[i].Update.Last == nil {
			return false
		}
	}
	return s.Resources != nil
}
