// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

// crowded begins to run a Session with many jobs that wait, each write of whose
// status takes a while. It returns when that of all jobs was written.
func crowded(t *testing.T, condition v1alpha1.ExitCondition, ci model.CISettings, write time.Duration) (*stage, *audience, *actor) {
	s := newStage(t, "Tiltfile")
	s.begin()
	seen, a := s.perform(newSession("Tiltfile", condition))
	s.onStatusWrite(func(int64) *http.Response {
		s.clock.Step(write)
		return nil
	})
	var resources []engine.ResourceState
	for i := range manyResources + 1 {
		resources = append(resources, job(fmt.Sprintf("j%03d", i), waiting))
	}
	a.load(&ci, resources...)
	seen.awaitTargets(len(resources) + 1)
	s.awaitBacklog(true)
	return s, seen, a
}

// awaitBacklog waits until the newest snapshot is the only one that's held, and published or not.
func (s *stage) awaitBacklog(published bool) {
	s.t.Helper()
	b := &s.controller.runs.get("Tiltfile").backlog
	eventually(s.t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.published == published && len(b.items) == 1
	})
}

// While it rests, a Session with many resources is only written for a verdict.
func TestWritesOfManyResourcesAreSpacedOut(t *testing.T) {
	s, seen, a := crowded(t, v1alpha1.ExitConditionManual, model.CISettings{}, 100*time.Millisecond)
	written := s.statusWrites.Load()
	for i := range 50 {
		a.update(i, running)
		a.update(i, succeeded)
	}
	a.update(50, running)
	s.awaitBacklog(false)
	if n := s.statusWrites.Load() - written; n != 0 {
		t.Errorf("%d writes during the rest", n)
	}
	s.passTime(10*time.Millisecond, func() bool { return s.statusWrites.Load() > written })
	seen.awaitPhase("j050:update", session.PhaseActive)
	s.awaitBacklog(true)
	if n := s.statusWrites.Load() - written; n != 1 {
		t.Errorf("%d writes after the rest, want 1", n)
	}

	// After a quiet time there's no delay.
	s.clock.Step(time.Second)
	a.update(50, succeeded)
	seen.awaitPhase("j050:update", session.PhaseSucceeded)
}

func TestAVerdictIsNotDelayed(t *testing.T) {
	for name, tc := range map[string]struct {
		play func(*actor)
		want session.Verdict
	}{
		"failure": {func(a *actor) { a.update(7, failed) }, session.TargetFailed},
		"success": {func(a *actor) {
			a.play(func(snap *engine.Snapshot) {
				for i := range snap.Resources {
					snap.Resources[i].Update = succeeded
				}
			})
		}, session.Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			_, seen, a := crowded(t, v1alpha1.ExitConditionCI, model.CISettings{}, time.Second)
			a.update(7, running)
			tc.play(a)
			if got := session.VerdictOf(seen.awaitDone().Status); got != tc.want {
				t.Errorf("verdict %q, want %q", got, tc.want)
			}
		})
	}
}

func TestALimitIsNotDelayed(t *testing.T) {
	// The first write ends at 1s, the rest after it at 1.5s.
	limit := 1200 * time.Millisecond
	s, seen, a := crowded(t, v1alpha1.ExitConditionCI, model.CISettings{Timeout: &limit}, time.Second)
	s.clock.Step(limit - s.clock.Since(start))
	a.update(7, running)
	if got := session.VerdictOf(seen.awaitDone().Status); got != session.Timeout {
		t.Errorf("verdict %q", got)
	}
}
