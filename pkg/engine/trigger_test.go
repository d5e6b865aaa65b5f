// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"testing"

	"tilt.dev/session/pkg/model"
)

func TestTriggerOfJob(t *testing.T) {
	play(t, projectOf(job("a"), job("b")), func(w *world) {
		w.exit("a:update", 1)
		w.want("a=failed b=active")
		w.trigger("a", "b")
		w.want("a=waiting-for-local b=active")
		w.exit("b:update", 0)
		w.want("a=active b=waiting-for-local")
		w.exit("a:update", 0)
		w.want("a=ok b=active")
		w.exit("b:update", 0)
		w.want("a=ok b=ok")
		w.wantLog("a", `|Initial Build|Running cmd: a update|ERROR: Build Failed: Command "a update" failed: exit status 1|`+
			"|CLI Trigger|Running cmd: a update")
		w.wantShown("a", "tiltfile-reload active failed waiting-for-local active ok")
		w.wantShown("b", "tiltfile-reload waiting-for-local active waiting-for-local active ok")
	})
}

func TestTriggersDuringARunLeadToOneMore(t *testing.T) {
	play(t, projectOf(job("a")), func(w *world) {
		w.trigger("a")
		w.trigger("a")
		w.want("a=active")
		w.exit("a:update", 0)
		w.want("a=active")
		w.exit("a:update", 0)
		w.want("a=ok")
		w.wantShown("a", "tiltfile-reload active starting active ok")
	})
}

func TestTriggersAreServedInTheirOrder(t *testing.T) {
	project := projectOf(job("a"), job("b", noInit), job("c", noInit), job("d", noInit))
	play(t, project, func(w *world) {
		w.trigger("d")
		w.trigger("b", "c")
		w.trigger("d")
		for _, target := range []string{"a:update", "d:update", "b:update", "c:update"} {
			w.exit(target, 0)
		}
		w.want("a=ok b=ok c=ok d=ok")
		// Nobody called this the initial one.
		w.wantLog("d", "|CLI Trigger|Running cmd: d update")
	})
}

func TestFirstUpdateOfATriggerWaitsForDependencies(t *testing.T) {
	play(t, projectOf(job("a", noInit), job("b", noInit, after("a"))), func(w *world) {
		w.trigger("b")
		w.want("a=inactive b=waiting-for-dep")
		w.trigger("a")
		w.exit("a:update", 0)
		w.want("a=ok b=active")
		w.exit("b:update", 0)
		w.trigger("a")
		w.exit("a:update", 1)
		w.trigger("b")
		w.want("a=failed b=active")
	})
}

func TestTriggerOfServer(t *testing.T) {
	play(t, projectOf(server("s", withProbe), job("j", after("s"))), func(w *world) {
		w.report("s", true, "up")
		w.exit("j:update", 0)
		w.want("s:serve=ready j=ok")
		first := w.process("s:serve")
		first.resist()
		w.trigger("s")
		w.want("s:serve=active j=ok")
		if p := w.resource("s").Runtime.Running; *p != (Running{PID: first.pid}) {
			t.Errorf("while it's replaced: %+v", p)
		}
		if w.probing != 0 {
			t.Error("a server that's being stopped is probed")
		}
		first.end(first.exit)
		w.want("s:serve=active j=ok")
		w.report("s", true, "up again")
		w.want("s:serve=ready j=ok")
		if w.process("s:serve") == first {
			t.Error("the server was not replaced")
		}
		w.wantShown("s:serve", "tiltfile-reload starting active ready active ready")
		w.wantLog("s", "|Initial Build|Running cmd: s serve||CLI Trigger|Running cmd: s serve")
	})
}

func TestServerIsKeptUntilItsUpdateSucceeds(t *testing.T) {
	play(t, projectOf(job("s", serving)), func(w *world) {
		w.exit("s:update", 0)
		w.want("s=ok s:serve=ready")
		first := w.process("s:serve")
		w.trigger("s")
		w.want("s=active s:serve=ready")
		w.exit("s:update", 1)
		w.want("s=failed s:serve=ready")
		w.trigger("s")
		w.exit("s:update", 0)
		w.want("s=ok s:serve=ready")
		if second := w.process("s:serve"); second == first || first.stopped() != 1 {
			t.Errorf("the server was stopped %d times", first.stopped())
		}
	})
}

func TestTriggerOfServerThatHasEnded(t *testing.T) {
	play(t, projectOf(server("s")), func(w *world) {
		w.exit("s:serve", 1)
		w.want("s:serve=failed")
		w.trigger("s")
		w.want("s:serve=ready")
		w.wantShown("s:serve", "tiltfile-reload starting ready failed starting ready")
	})
}

func TestTriggersOfServerThatIsLaunched(t *testing.T) {
	project := projectOf(server("s"))
	playGated(t, project, "s:serve", func(w *world, open func()) {
		w.want("s:serve=starting")
		w.trigger("s")
		w.want("s:serve=starting")
		open()
		w.want("s:serve=ready")
		w.wantStarted("s:serve", "s:serve")
		w.wantShown("s:serve", "tiltfile-reload starting ready")
	})
}

func TestRefusedTriggers(t *testing.T) {
	project := projectOf(job("a"), job("off"))
	project.Enabled = model.Selection{Names: []string{"a"}}
	play(t, project, func(w *world) {
		w.exit("a:update", 0)
		var unknown *UnknownError
		if err := w.engine.Trigger(w.t.Context(), []string{"a", "nope"}); !errors.As(err, &unknown) || unknown.Name != "nope" {
			t.Errorf("unknown: %v", err)
		}
		var disabled *DisabledError
		if err := w.engine.Trigger(w.t.Context(), []string{"a", "off"}); !errors.As(err, &disabled) || disabled.Name != "off" {
			t.Errorf("disabled: %v", err)
		}
		w.want("a=ok off=disabled")
	})
}

func TestTriggerOfTiltfile(t *testing.T) {
	play(t, projectOf(job("a")), func(w *world) {
		w.exit("a:update", 0)
		w.trigger("(Tiltfile)")
		w.want("a=ok")
		if got := w.engine.Snapshot().Tiltfile.Evaluations; got != 2 {
			t.Errorf("%d evaluations", got)
		}
		w.wantStarted("a:update")
		w.wantLog(model.TiltfileResource, "|Initial Build|Loading Tiltfile at: /project/Tiltfile|Successfully loaded Tiltfile (0s)|"+
			"|CLI Trigger|Loading Tiltfile at: /project/Tiltfile|Successfully loaded Tiltfile (0s)")
	})
}
