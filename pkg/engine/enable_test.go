// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilt.dev/session/pkg/model"
)

// enable and disable check which resources a request has changed.
func (w *world) enable(s Selector, only bool, want ...string) {
	w.t.Helper()
	synctest.Wait()
	changed, err := w.engine.Enable(w.t.Context(), s, only)
	w.do(err)
	if diff := cmp.Diff(want, changed); diff != "" {
		w.t.Errorf("enabling has changed (-want +got):\n%s", diff)
	}
}

func (w *world) disable(s Selector, want ...string) {
	w.t.Helper()
	synctest.Wait()
	changed, err := w.engine.Disable(w.t.Context(), s)
	w.do(err)
	if diff := cmp.Diff(want, changed); diff != "" {
		w.t.Errorf("disabling has changed (-want +got):\n%s", diff)
	}
}

func named(names ...string) Selector { return Selector{Names: names} }

func TestDisableAndEnable(t *testing.T) {
	play(t, projectOf(job("a", serving, on("/project/x")), job("b")), func(w *world) {
		w.exit("a:update", 0)
		w.exit("b:update", 0)
		w.want("a=ok a:serve=ready b=ok")
		server := w.process("a:serve")
		w.disable(named("a"), "a")
		w.disable(named("a"))
		w.want("a=disabled a:serve=disabled b=ok")
		if server.stopped() != 1 {
			t.Errorf("the server was stopped %d times", server.stopped())
		}
		if got := w.watched(); got != "/project/Tiltfile" {
			t.Errorf("watched: %s", got)
		}
		if diff := cmp.Diff(&UpdateState{Command: "a update"}, w.resource("a").Update, plain()); diff != "" {
			t.Errorf("disabled (-want +got):\n%s", diff)
		}
		w.enable(named("a"), false, "a")
		w.want("a=active a:serve=waiting-for-update b=ok")
		w.exit("a:update", 0)
		w.want("a=ok a:serve=ready b=ok")
		w.edit("/project/x")
		w.want("a=active a:serve=ready b=ok")
		w.wantShown("a", "tiltfile-reload active ok disabled starting active ok starting active")
		w.wantLog("a", `|Initial Build|Running cmd: a update|Running cmd: a serve|Resource "a" disabled|Resource "a" enabled|`+
			`|Initial Build|Running cmd: a update|Running cmd: a serve||1 File Changed: [x]|Running cmd: a update`)
	})
}

func TestDisableWhatRuns(t *testing.T) {
	play(t, projectOf(job("a", parallel), job("b", parallel), job("c")), func(w *world) {
		w.process("a:update").resist()
		w.trigger("a")
		w.disable(named("a"), "a")
		w.exit("b:update", 0)
		w.want("a=disabled b=ok c=is-unparallelizable-local")
		w.enable(named("a"), false, "a")
		w.want("a=waiting-for-local b=ok c=is-unparallelizable-local")
		time.Sleep(DefaultKillGrace)
		w.want("a=active b=ok c=is-unparallelizable-local")
		w.exit("a:update", 0)
		w.want("a=ok b=ok c=active")
		w.wantLog("a", `|Initial Build|Running cmd: a update|Resource "a" disabled|Build canceled|Resource "a" enabled|`+
			`|Initial Build|Running cmd: a update`)
	})
}

func TestEnableWhileTheOldServerIsLeft(t *testing.T) {
	play(t, projectOf(server("s")), func(w *world) {
		w.process("s:serve").resist()
		w.disable(named("s"), "s")
		w.enable(named("s"), false, "s")
		w.want("s:serve=starting")
		w.disable(named("s"), "s")
		w.enable(named("s"), false, "s")
		w.wantStarted("s:serve")
		time.Sleep(DefaultKillGrace)
		w.want("s:serve=ready")
		w.wantStarted("s:serve", "s:serve")
	})
}

// A resource that doesn't start by itself is inactive again after it was disabled and enabled.
func TestEnableWithoutInit(t *testing.T) {
	play(t, projectOf(job("a", serving, noInit)), func(w *world) {
		w.trigger("a")
		w.exit("a:update", 0)
		w.want("a=ok a:serve=ready")
		w.trigger("a")
		w.disable(named("a"), "a")
		w.enable(named("a"), false, "a")
		w.want("a=inactive a:serve=inactive")
	})
}

// A resource that was ready once remains so for its dependents.
func TestDependencyThatWasDisabled(t *testing.T) {
	play(t, projectOf(job("a"), job("b", noInit, after("a")), job("c", after("b"))), func(w *world) {
		w.exit("a:update", 0)
		w.disable(named("a"), "a")
		w.trigger("b")
		w.want("a=disabled b=active c=waiting-for-local")
		w.disable(named("b"), "b")
		w.want("a=disabled b=disabled c=waiting-for-dep")
	})
}

func TestSelectors(t *testing.T) {
	label := func(labels ...string) option { return func(r *model.Resource) { r.Labels = labels } }
	project := projectOf(job("a", label("x")), job("b", label("x", "y")), job("c", label("y")), job("d"))
	play(t, project, func(w *world) {
		w.want("a=active b=waiting-for-local c=waiting-for-local d=waiting-for-local")
		w.disable(Selector{Labels: []string{"x"}}, "a", "b")
		w.want("a=disabled b=disabled c=active d=waiting-for-local")
		w.disable(Selector{Labels: []string{"z"}})
		w.enable(Selector{Names: []string{"d"}, Labels: []string{"x"}}, true, "a", "b", "c")
		w.want("a=active b=waiting-for-local c=disabled d=waiting-for-local")
		w.disable(Selector{All: true}, "a", "b", "d")
		w.want("a=disabled b=disabled c=disabled d=disabled")
		w.enable(Selector{All: true}, false, "a", "b", "c", "d")
		w.want("a=active b=waiting-for-local c=waiting-for-local d=waiting-for-local")

		var unknown *UnknownError
		if _, err := w.engine.Disable(w.t.Context(), named("a", "nope")); !errors.As(err, &unknown) || unknown.Name != "nope" {
			t.Errorf("unknown: %v", err)
		}
		if _, err := w.engine.Enable(w.t.Context(), named("(Tiltfile)"), true); !errors.Is(err, ErrNotSwitchable) {
			t.Errorf("the Tiltfile: %v", err)
		}
		w.want("a=active b=waiting-for-local c=waiting-for-local d=waiting-for-local")
	})
}
