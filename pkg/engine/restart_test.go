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
	"tilt.dev/session/pkg/process"
)

func restarted(r *model.Resource) { r.Restart = model.RestartOnFailure }

func TestRestart(t *testing.T) {
	play(t, projectOf(server("s", restarted, withProbe), job("j", after("s"))), func(w *world) {
		w.report("s", true, "up")
		w.exit("j:update", 0)
		w.exit("s:serve", 3)
		w.want("s:serve=restarting j=ok")
		want := &RuntimeState{Verb: "serve", Command: "s serve", Hold: HoldRestarting, Probed: true, Detail: "up", Down: time.Now()}
		if diff := cmp.Diff(want, w.resource("s").Runtime, plain()); diff != "" {
			t.Errorf("restarting (-want +got):\n%s", diff)
		}
		time.Sleep(time.Second)
		w.want("s:serve=active j=ok")
		w.exit("s:serve", 0)
		time.Sleep(time.Second)
		w.want("s:serve=restarting j=ok")
		time.Sleep(time.Second)
		w.want("s:serve=active j=ok")
		if got := w.resource("s").Runtime.Restarts; got != 2 {
			t.Errorf("%d restarts", got)
		}
		w.wantLog("s", "|Initial Build|Running cmd: s serve|"+
			"Restarting in 1s: Process 101 exited with code 3|Running cmd: s serve|"+
			"Restarting in 2s: Process 103 exited with code 0, but servers are expected to run indefinitely|Running cmd: s serve")
		w.trigger("s")
		w.want("s:serve=active j=ok")
		if got := w.resource("s").Runtime.Restarts; got != 0 {
			t.Errorf("%d restarts after a trigger", got)
		}
		w.exit("s:serve", 1)
		time.Sleep(time.Second)
		w.want("s:serve=active j=ok")
		w.wantShown("s:serve", "tiltfile-reload starting active ready restarting starting active restarting starting active "+
			"restarting starting active")
	})
}

// A server that restarts is down from its first launch until it is ready.
func TestDown(t *testing.T) {
	play(t, projectOf(server("s", restarted, withProbe)), func(w *world) {
		wantDown := func(want time.Time) {
			t.Helper()
			if got := w.resource("s").Runtime.Down; !got.Equal(want) {
				t.Errorf("down since %v, want %v", got, want)
			}
		}
		first := time.Now()
		w.want("s:serve=active")
		wantDown(time.Time{})
		time.Sleep(time.Minute)
		for range 3 {
			w.exit("s:serve", 1)
			w.want("s:serve=restarting")
			wantDown(first)
			time.Sleep(time.Minute)
			w.want("s:serve=active")
			wantDown(first)
		}
		w.report("s", true, "up")
		wantDown(time.Time{})
		w.report("s", false, "down")
		time.Sleep(time.Minute)
		w.exit("s:serve", 1)
		w.want("s:serve=restarting")
		wantDown(time.Now())
		w.trigger("s")
		w.want("s:serve=active")
		wantDown(time.Time{})
		w.exit("s:serve", 1)
		w.disable(named("s"), "s")
		wantDown(time.Time{})
	})
}

func TestRestartPauses(t *testing.T) {
	play(t, projectOf(server("s", restarted)), func(w *world) {
		crash := func(after, pause time.Duration) {
			t.Helper()
			time.Sleep(after)
			launches := w.launches("s:serve")
			w.exit("s:serve", 1)
			time.Sleep(pause - time.Nanosecond)
			if got := w.launches("s:serve"); got != launches {
				t.Errorf("restarted before %s were over", pause)
			}
			time.Sleep(time.Nanosecond)
			if got := w.launches("s:serve"); got != launches+1 {
				t.Errorf("not restarted after %s", pause)
			}
		}
		for _, seconds := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
			crash(steadyAfter-time.Nanosecond, time.Duration(seconds)*time.Second)
		}
		crash(steadyAfter, time.Second)
		crash(0, 2*time.Second)
	})
}

// A server is steady when it has been ready for long, though it isn't any more.
func TestSteadyServer(t *testing.T) {
	play(t, projectOf(server("s", restarted, withProbe)), func(w *world) {
		for range 2 {
			time.Sleep(time.Hour)
			w.exit("s:serve", 1)
			time.Sleep(2 * time.Second)
			w.want("s:serve=active")
		}
		w.report("s", true, "up")
		time.Sleep(steadyAfter)
		w.report("s", false, "down")
		w.exit("s:serve", 1)
		time.Sleep(time.Second)
		w.want("s:serve=active")
	})
}

func TestRestartOfServerThatCannotBeLaunched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, projectOf(server("s", restarted), job("j", after("s"))))
		w.refuse("s:serve", errors.New("no such file"))
		w.run(Config{FailFast: true})
		w.want("s:serve=restarting j=waiting-for-dep")
		w.refuse("s:serve", nil)
		time.Sleep(time.Second)
		w.want("s:serve=ready j=active")
		w.stop()
	})
}

func TestWhatCutsARestartShort(t *testing.T) {
	project := projectOf(server("s", restarted))
	play(t, project, func(w *world) {
		w.exit("s:serve", 1)
		w.trigger("s")
		w.want("s:serve=ready")
		time.Sleep(time.Hour)
		w.wantStarted("s:serve", "s:serve")
		w.exit("s:serve", 1)
		w.disable(named("s"), "s")
		time.Sleep(time.Hour)
		w.want("s:serve=disabled")
		w.wantStarted("s:serve", "s:serve")
	})
}

func TestServerThatEndsWhileItIsStopped(t *testing.T) {
	play(t, projectOf(server("s", restarted)), func(w *world) {
		first := w.process("s:serve")
		first.resist()
		w.trigger("s")
		first.end(process.Exit{Code: 1})
		w.want("s:serve=ready")
		w.wantStarted("s:serve", "s:serve")
	})
}

func TestReadinessTimeoutIsPublished(t *testing.T) {
	limited := func(r *model.Resource) { r.ReadinessTimeout = time.Minute }
	play(t, projectOf(server("s", limited)), func(w *world) {
		if got := w.resource("s").Runtime.ReadinessTimeout; got != time.Minute {
			t.Errorf("readiness timeout %s", got)
		}
	})
}
