// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"sync"
	"testing"

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// prompt is a Loader of a project, whose updates end at once.
type prompt struct{ model.Project }

func (p prompt) Load(context.Context, LoadInput) (model.Project, error) { return p.Project, nil }

func (prompt) StartUpdate(UpdateRequest) (Activity, error) {
	p := &fakeProcess{pid: 1, done: make(chan struct{})}
	p.end(process.Exit{})
	return &fakeActivity{fakeProcess: p}, nil
}

// BenchmarkPublish runs one of very many jobs after another: each is shown waiting, running and ended. Of those in a
// hub, one more job waits for all.
func BenchmarkPublish(b *testing.B) {
	const n = 20000
	apart := jobs(n, parallel, noInit)
	var names []string
	for _, r := range apart {
		names = append(names, r.Name)
	}
	b.Run("apart", func(b *testing.B) { runEach(b, apart, names) })
	b.Run("hub", func(b *testing.B) { runEach(b, append(apart, job("hub", parallel, after(names...))), names) })
}

func runEach(b *testing.B, resources []model.Resource, names []string) {
	at, adopted, ended := 0, false, make(chan struct{}, 1)
	e := New(Config{
		Tiltfile: "/project/Tiltfile", Load: prompt{projectOf(resources...)}, Updates: prompt{},
		Logs: logs.New(1<<20, clock.RealClock{}),
		OnChange: func(s *Snapshot) {
			if len(s.Resources) > 0 && (!adopted || s.Resources[at].Update.Last != nil) {
				if adopted {
					at++
				}
				adopted = true
				ended <- struct{}{}
			}
		},
	})
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := e.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	<-ended
	for i := 0; b.Loop(); i++ {
		if err := e.Trigger(ctx, names[i:i+1]); err != nil {
			b.Fatal(err)
		}
		<-ended
	}
	cancel()
	running.Wait()
}
