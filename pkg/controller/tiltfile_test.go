// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"path/filepath"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/watch"

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
	seen := s.create(created)
	a := s.actor("Tiltfile")
	a.load(&model.CISettings{Timeout: ptr(time.Hour)}, job("a", running))
	seen.awaitTargets(2)

	s.patch("Tiltfile", `{"spec":{"tiltfilePath":"/another/Tiltfile"}}`)
	if got := <-a.tiltfile; got != "/another/Tiltfile" {
		t.Errorf("the run is told of %s", got)
	}
	// The run reports once more before it has seen to it: that's no verdict.
	a.update(0, failed)
	a.loadAnother("/another/Tiltfile", &model.CISettings{Timeout: ptr(time.Minute)}, job("b", running), job("c", succeeded))
	got := seen.awaitTargets(3)
	if got.Status.CI.Timeout.Duration != time.Minute || got.Spec.TiltfilePath != "/another/Tiltfile" {
		t.Errorf("spec is %+v with a timeout of %v", got.Spec, got.Status.CI.Timeout)
	}
	a.update(0, succeeded)
	if verdict := session.VerdictOf(seen.awaitDone().Status); verdict != session.Succeeded {
		t.Errorf("verdict %q", verdict)
	}
	if n := len(a.tiltfile); n != 0 {
		t.Errorf("the run is told %d times more", n)
	}
}

// What a Tiltfile leaves of a setting is that of the Session as it was created.
func TestAnotherTiltfileWithoutSettings(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	created := newSession("Tiltfile", v1alpha1.ExitConditionManual)
	seen := s.create(created)
	a := s.actor("Tiltfile")
	a.load(&model.CISettings{Timeout: ptr(time.Minute)}, job("a", running))
	seen.awaitTargets(2)
	s.patch("Tiltfile", `{"spec":{"tiltfilePath":"/another/Tiltfile"}}`)
	a.loadAnother(<-a.tiltfile, &model.CISettings{})
	if got := seen.awaitTargets(1).Status.CI.Timeout.Duration; got != model.DefaultTimeout {
		t.Errorf("timeout %v", got)
	}
}

func TestARelativePathIsMadeAbsolute(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	created := newSession("Tiltfile", v1alpha1.ExitConditionManual)
	created.Spec.TiltfilePath = "here/Tiltfile"
	seen := s.create(created)
	a := s.actor("Tiltfile")
	absolute := func(path string) string {
		t.Helper()
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	if got, want := a.session.Spec.TiltfilePath, absolute("here/Tiltfile"); got != want {
		t.Errorf("the run is of %s, want %s", got, want)
	}
	a.load(&model.CISettings{}, job("a", running))
	if got := seen.awaitTargets(2).Spec.TiltfilePath; got != "here/Tiltfile" {
		t.Errorf("the spec became %s", got)
	}

	// The same file by another name is nothing new.
	s.patch("Tiltfile", `{"spec":{"tiltfilePath":"`+absolute("here/Tiltfile")+`"}}`)
	s.patch("Tiltfile", `{"spec":{"tiltfilePath":"there/Tiltfile"}}`)
	if got, want := <-a.tiltfile, absolute("there/Tiltfile"); got != want {
		t.Errorf("the run is told of %s, want %s", got, want)
	}
	a.loadAnother(absolute("there/Tiltfile"), &model.CISettings{})
	seen.await("the other path", func(_ watch.EventType, s *v1alpha1.Session) bool {
		return s.Spec.TiltfilePath == "there/Tiltfile" && len(s.Status.Targets) == 1
	})
}
