// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/watch"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

// phasesOf is what a watch saw a target go through.
func phasesOf(events []watch.Event, target string) []string {
	var phases []string
	for _, event := range events {
		for _, t := range event.Object.(*v1alpha1.Session).Status.Targets {
			if t.Name == target {
				phases = append(phases, session.PhaseOf(t.State).String())
			}
		}
	}
	return slices.Compact(phases)
}

func TestEveryPhaseIsSeen(t *testing.T) {
	const jobs = 50
	s := newStage(t, "Tiltfile")
	s.begin()
	seen, a := s.perform(newSession("Tiltfile", v1alpha1.ExitConditionCI))

	a.play(func(*engine.Snapshot) {})
	a.play(func(snap *engine.Snapshot) { snap.Tiltfile.Running = start })
	var resources []engine.ResourceState
	for i := range jobs {
		resources = append(resources, job(fmt.Sprintf("j%02d", i), waiting))
	}
	a.play(func(snap *engine.Snapshot) {
		snap.Tiltfile.Running = time.Time{}
		snap.Tiltfile.Evaluations, snap.Tiltfile.CI, snap.Tiltfile.Last = 1, &model.CISettings{}, &engine.Exit{Start: start, Finish: start}
		snap.Resources = resources
	})
	for i := range jobs {
		a.update(i, running)
		a.update(i, succeeded)
	}

	final := seen.awaitDone()
	if got := session.VerdictOf(final.Status); got != session.Succeeded {
		t.Errorf("verdict %s: %s", got, final.Status.Error)
	}
	if diff := cmp.Diff([]string{"waiting", "active", "succeeded"}, phasesOf(seen.seen, "tiltfile:update")); diff != "" {
		t.Error(diff)
	}
	for _, r := range resources {
		if diff := cmp.Diff([]string{"waiting", "active", "succeeded"}, phasesOf(seen.seen, r.Name+":update")); diff != "" {
			t.Errorf("%s: %s", r.Name, diff)
		}
	}
	if n := s.statusWrites.Load(); n > jobs+10 {
		t.Errorf("%d status writes for %d jobs", n, jobs)
	}
}

func TestBurstIsFewWrites(t *testing.T) {
	for name, tc := range map[string]struct {
		resources int
		play      func(a *actor)
		most      int64
	}{
		"a thousand changes that hide nothing": {
			resources: 3,
			play: func(a *actor) {
				for i := range 1000 {
					hold := []engine.Hold{engine.HoldWaitingForSlot, engine.HoldWaitingForDep}[i%2]
					a.update(0, &engine.UpdateState{Hold: hold})
				}
			},
			most: 3,
		},
		"a thousand jobs while the writer is stuck": {
			resources: 1000,
			play: func(a *actor) {
				for i := range 1000 {
					a.update(i, running)
					a.update(i, succeeded)
				}
			},
			most: 5,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, "Tiltfile")
			stuck, release := make(chan struct{}), make(chan struct{})
			s.begin()
			seen, a := s.perform(newSession("Tiltfile", v1alpha1.ExitConditionCI))
			begun := s.statusWrites.Load()
			s.onStatusWrite(func(n int64) *http.Response {
				if n == 1 {
					close(stuck)
					<-release
				}
				return nil
			})
			var resources []engine.ResourceState
			for i := range tc.resources {
				resources = append(resources, job(fmt.Sprintf("j%03d", i), waiting))
			}
			a.load(&model.CISettings{}, resources...)
			<-stuck
			tc.play(a)
			a.play(func(snap *engine.Snapshot) {
				for i := range snap.Resources {
					snap.Resources[i].Update = succeeded
				}
			})
			close(release)
			seen.awaitDone()
			if n := s.statusWrites.Load() - begun; n > tc.most {
				t.Errorf("%d status writes, want at most %d", n, tc.most)
			}
		})
	}
}

func TestUnchangedStatusIsNotWritten(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	seen, a := s.perform(newSession("Tiltfile", v1alpha1.ExitConditionManual))
	a.load(&model.CISettings{}, server("s", ready))
	seen.awaitTargets(2)
	written := s.statusWrites.Load()
	for range 10 {
		a.play(func(snap *engine.Snapshot) {
			changed := *ready
			changed.Detail = fmt.Sprintf("probe %d", snap.Version)
			snap.Resources[0].Runtime = &changed
		})
	}
	a.load(&model.CISettings{}, server("s", ready), job("last", running))
	seen.awaitTargets(3)
	if n := s.statusWrites.Load() - written; n != 1 {
		t.Errorf("%d status writes, want 1", n)
	}
}
