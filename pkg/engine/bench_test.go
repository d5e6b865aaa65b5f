// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// instant is a process that has ended at once.
type instant struct{}

var over = func() chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}()

var _ Process = instant{}

func (instant) PID() int              { return 1 }
func (instant) Done() <-chan struct{} { return over }
func (instant) Exit() process.Exit    { return process.Exit{} }
func (instant) Exited() bool          { return true }
func (instant) Stop(time.Duration)    {}

// BenchmarkJobs is what the engine itself costs: a run of jobs that take no time at all.
func BenchmarkJobs(b *testing.B) {
	launch := func(process.Spec) (Process, error) { return instant{}, nil }
	wide := jobs(1000, parallel)
	chain := jobs(1000, parallel)
	for i := range chain[1:] {
		chain[i+1].ResourceDeps = []string{chain[i].Name}
	}
	b.Run("1000 of 8 at once", func(b *testing.B) { benchmark(b, wide, 8, launch) })
	b.Run("20000 of 8 at once", func(b *testing.B) { benchmark(b, jobs(20_000, parallel), 8, launch) })
	b.Run("1000 one by one", func(b *testing.B) { benchmark(b, jobs(1000), 8, launch) })
	b.Run("1000 in a chain", func(b *testing.B) { benchmark(b, chain, 8, launch) })
}

// BenchmarkProcesses is a run of processes that do nothing.
func BenchmarkProcesses(b *testing.B) {
	runner, err := process.New(process.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer runner.Close()
	launch := func(spec process.Spec) (Process, error) { return runner.Start(spec) }
	for _, n := range []int{1, 50} {
		var chain []model.Resource
		for i := range n {
			r := script(fmt.Sprintf("j%d", i), "true")
			if i > 0 {
				r.ResourceDeps = []string{chain[i-1].Name}
			}
			chain = append(chain, r)
		}
		b.Run(fmt.Sprintf("%d in a chain", n), func(b *testing.B) { benchmark(b, chain, 8, launch) })
	}
	var wide []model.Resource
	for i := range 1000 {
		wide = append(wide, script(fmt.Sprintf("j%d", i), "true", parallel))
	}
	b.Run("1000 of 8 at once", func(b *testing.B) { benchmark(b, wide, 8, launch) })
}

func benchmark(b *testing.B, resources []model.Resource, slots int, launch func(process.Spec) (Process, error)) {
	project := projectOf(resources...)
	project.MaxParallelUpdates = slots
	for b.Loop() {
		ctx, cancel := context.WithCancel(b.Context())
		var last *Snapshot
		err := New(Config{
			Tiltfile: "/project/Tiltfile",
			Load:     loaded(project),
			Start:    launch,
			Logs:     logs.New(1<<20, clock.RealClock{}),
			Environ:  os.Environ(),
			OnChange: func(s *Snapshot) {
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
func finished(s *Snapshot) bool {
	for i := len(s.Resources) - 1; i >= 0; i-- {
		if s.Resources[i].Update.Last == nil {
			return false
		}
	}
	return s.Resources != nil
}
