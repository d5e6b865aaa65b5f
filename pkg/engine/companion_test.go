// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"slices"
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

// A press starts what names the button, again if it runs, with the inputs of that press.
func TestPress(t *testing.T) {
	project := projectOf(job("a"))
	onDemand := companionOf("late", "/project/f")
	onDemand.OnDemand, onDemand.Buttons, onDemand.Command.Env = true, []string{"b"}, []string{"A=1"}
	beside := companionOf("beside")
	beside.Buttons = []string{"b"}
	project.Companions = []model.Companion{onDemand, beside, companionOf("other")}
	project.Buttons = []model.Button{{Name: "b"}, {Name: "idle"}}
	play(t, project, func(w *world) {
		press := func(button string, inputs ...string) error { return w.engine.Press(w.t.Context(), button, inputs) }
		started := []string{"beside", "other", "a:update"}
		w.edit("/project/f")
		w.wantStarted(started...)
		if err := press("none"); !errors.Is(err, ErrNoButton) {
			t.Errorf("an unknown button: %v", err)
		}
		if err := press("idle"); err != nil {
			t.Error(err)
		}
		w.process("beside").resist()
		if err := press("b", "T=1"); err != nil {
			t.Error(err)
		}
		w.wantStarted(append(started, "late")...)
		if env := w.specs["late"].Env; !slices.Contains(env, "A=1") || !slices.Contains(env, "T=1") {
			t.Errorf("environment = %q", env)
		}
		w.process("beside").end(process.Exit{Signal: "killed", Code: -1})
		w.wantStarted(append(started, "late", "beside")...)

		// A change of its files restarts what was pressed, and a new definition ends it.
		w.process("late").end(process.Exit{})
		w.edit("/project/f")
		w.wantStarted(append(started, "late", "beside", "late")...)
		running, next := w.process("late"), project
		next.Companions = []model.Companion{onDemand, beside, companionOf("other")}
		next.Companions[0].Command.Env = []string{"A=2"}
		w.reload(next)
		if running.stopped() != 1 {
			t.Errorf("stopped %d times", running.stopped())
		}
		w.wantStarted(append(started, "late", "beside", "late")...)
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
