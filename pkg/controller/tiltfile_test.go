// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

// loadAnother is how a run answers SetTiltfile: it evaluates the file, and its
// resources replace those that there were.
func (a *actor) loadAnother(path string, ci *model.CISettings, resources ...engine.ResourceState) {
	a.play(func(snap *engine.Snapshot) { snap.Tiltfile.Path, snap.Tiltfile.Running = path, start })
	a.load(ci, resources...)
}

func TestAnotherTiltfileIsRun(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	created := newSession("Tiltfile", v1alpha1.ExitConditionCI)
	seen, a := s.perform(created)
	a.load(&model.CISettings{Timeout: ptr(time.Hour)}, job("a", running))
	seen.awaitTargets(2)

	s.patch("Tiltfile", `{"spec":{"tiltfilePath":"/another/Tiltfile"}}`)
	if got := <-a.tiltfile; got != "/another/Tiltfile" {
		t.Errorf("the run got %s", got)
	}
	// The run reports once more before it has seen to it: that's no verdict.
	a.update(0, failed)
	a.loadAnother("/another/Tiltfile", &model.CISettings{Timeout: ptr(time.Minute)}, job("b", running), job("c", succeeded))
	got := seen.awaitTargets(3)
	if got.Status.CI.Timeout.Duration != time.Minute {
		t.Errorf("the timeout is %v", got.Status.CI.Timeout)
	}
	a.update(0, succeeded)
	if verdict := session.VerdictOf(seen.awaitDone().Status); verdict != session.Succeeded {
		t.Errorf("verdict %q", verdict)
	}
	if n := len(a.tiltfile); n != 0 {
		t.Errorf("the run got %d more requests", n)
	}
}

// The same file by another spelling is nothing new.
func TestPathIsCleaned(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	created := newSession("Tiltfile", v1alpha1.ExitConditionManual)
	created.Spec.TiltfilePath = "/p/./Tiltfile"
	_, a := s.perform(created)
	if got := a.session.Spec.TiltfilePath; got != "/p/Tiltfile" {
		t.Errorf("the run is of %s", got)
	}
	s.patch("Tiltfile", `{"spec":{"tiltfilePath":"/q/../p/Tiltfile"}}`)
	s.reconciled()
	s.patch("Tiltfile", `{"spec":{"tiltfilePath":"/q/Tiltfile"}}`)
	if got := <-a.tiltfile; got != "/q/Tiltfile" {
		t.Errorf("the run got %s", got)
	}
}
