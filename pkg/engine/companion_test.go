// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"
	"testing/synctest"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

func companionOf(name string, restartOn ...string) model.Companion {
	return model.Companion{
		Name: name, Source: model.TiltfileResource,
		Command:   model.Command{Argv: []string{name}},
		RestartOn: model.Watch{Paths: restartOn},
	}
}

func TestCompanions(t *testing.T) {
	project := projectOf(job("a"))
	project.MaxParallelUpdates = 1
	project.Companions = []model.Companion{companionOf("x", "/project/f"), companionOf("y"), companionOf("button")}
	project.Companions[1].Source = "y"
	project.Companions[2].OnDemand = true
	play(t, project, func(w *world) {
		w.want("a=active")
		w.wantStarted("a:update", "x", "y")
		w.edit("/project/f")
		w.wantStarted("a:update", "x", "y", "x")
		w.process("x").end(process.Exit{})
		w.process("y").end(process.Exit{Code: 3})
		w.want("a=active")
		w.edit("/project/f")
		w.wantStarted("a:update", "x", "y", "x", "x")
		w.wantLog(model.TiltfileResource,
			"|Initial Build|Loading Tiltfile at: /project/Tiltfile|Successfully loaded Tiltfile (0s)|Running cmd: x|"+
				`Running cmd: x|Command "x" has ended|Running cmd: x`)
		w.wantLog("y", `Running cmd: y|ERROR: Command "y" failed: exit status 3`)
	})
}

func TestReloadOfCompanions(t *testing.T) {
	project := projectOf(job("a"))
	project.Companions = []model.Companion{companionOf("same"), companionOf("changed"), companionOf("gone"), companionOf("back")}
	play(t, project, func(w *world) {
		changed, gone, back := w.process("changed"), w.process("gone"), w.process("back")
		changed.resist()
		gone.resist()
		back.resist()
		next := project
		next.Companions = []model.Companion{companionOf("new"), companionOf("same"), companionOf("changed", "/project/f")}
		w.reload(next)
		w.wantStarted("same", "changed", "gone", "back", "a:update", "new")
		next.Companions = append(next.Companions, companionOf("back"))
		w.reload(next)
		for _, p := range []*fakeProcess{changed, gone, back} {
			if p.stopped() != 1 {
				t.Errorf("stopped %d times", p.stopped())
			}
			p.end(process.Exit{Code: -1, Signal: "killed"})
		}
		w.wantStarted("same", "changed", "gone", "back", "a:update", "new", "changed", "back")
		if n := w.process("same").stopped(); n != 0 {
			t.Errorf("what is the same was stopped %d times", n)
		}
		w.edit("/project/f")
		w.wantStarted("same", "changed", "gone", "back", "a:update", "new", "changed", "back", "changed")
	})
}

func TestCompanionsEndWithTheRun(t *testing.T) {
	project := projectOf()
	project.Companions = []model.Companion{companionOf("x")}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, project)
		w.run(Config{})
		x := w.process("x")
		w.stop()
		if x.stopped() != 1 {
			t.Errorf("stopped %d times", x.stopped())
		}
	})
}
