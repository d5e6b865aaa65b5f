// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTeardown(t *testing.T) {
	tests := []struct {
		name     string
		grace    time.Duration
		stubborn bool
		// kill is when Kill is called, counted from the end of the context.
		kill time.Duration
		// want is how long the teardown takes, stops how processes are stopped.
		want  time.Duration
		stops []time.Duration
	}{
		{"willing", 0, false, 0, 0, []time.Duration{DefaultKillGrace}},
		{"stubborn", 0, true, 0, DefaultKillGrace, []time.Duration{DefaultKillGrace, 0}},
		{"short grace", time.Second, true, 0, time.Second, []time.Duration{time.Second, 0}},
		{"no grace", -1, true, 0, 0, []time.Duration{-1}},
		{"killed", 0, true, 2 * time.Second, 2 * time.Second, []time.Duration{DefaultKillGrace, 0}},
		{"killed before", 0, true, -time.Second, 0, []time.Duration{0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, projectOf(server("s", withProbe), server("r"), job("a")))
				targets := []string{"s:serve", "r:serve", "a:update"}
				for _, target := range targets {
					w.stubborn[target] = test.stubborn
				}
				w.run(Config{KillGrace: test.grace})
				w.want("s:serve=active r:serve=ready a=active")
				last := w.engine.Snapshot()
				if test.kill < 0 {
					w.engine.Kill()
					time.Sleep(-test.kill)
				}
				ended := time.Now()
				w.cancel()
				if test.kill > 0 {
					time.Sleep(test.kill)
					w.engine.Kill()
				}
				<-w.ended
				if took := time.Since(ended); took != test.want {
					t.Errorf("took %s, want %s", took, test.want)
				}
				for _, target := range targets {
					if diff := cmp.Diff(test.stops, w.process(target).stops); diff != "" {
						t.Errorf("%s was stopped (-want +got):\n%s", target, diff)
					}
				}
				if w.engine.Snapshot() != last || w.snapshots[len(w.snapshots)-1] != last {
					t.Errorf("published after the end: %s", show(w.engine.Snapshot()))
				}
				w.wantLog("r", "|Initial Build|Running cmd: r serve")
			})
		})
	}
}

func TestTeardownWhileLaunching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, projectOf(server("s")))
		gate := w.gate("s:serve")
		w.stubborn["s:serve"] = true
		w.run(Config{})
		w.want("s:serve=starting")
		w.cancel()
		synctest.Wait()
		close(gate)
		<-w.ended
		if diff := cmp.Diff([]time.Duration{DefaultKillGrace, 0}, w.process("s:serve").stops); diff != "" {
			t.Errorf("stopped (-want +got):\n%s", diff)
		}
		w.want("s:serve=starting")
	})
}

// Nothing that waits for a time, or for files, holds up the end.
func TestTeardownWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limited := job("limited", parallel)
		limited.Timeout = time.Hour
		w := newWorld(t, projectOf(server("s", restarted), job("a", parallel, retrying(1), on("/project/x")), limited))
		w.run(Config{})
		w.exit("s:serve", 1)
		w.exit("a:update", 1)
		w.want("s:serve=restarting a=retrying limited=active")
		ended := time.Now()
		w.stop()
		if took := time.Since(ended); took != 0 {
			t.Errorf("took %s", took)
		}
		w.want("s:serve=restarting a=retrying limited=active")
	})
}

func TestTeardownWhileEvaluating(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, projectOf(job("a")))
		w.evaluate = make(chan struct{})
		w.run(Config{})
		w.want("tiltfile")
		w.stop()
		w.want("tiltfile")
		w.wantLog("(Tiltfile)", "|Initial Build|Loading Tiltfile at: /project/Tiltfile")
	})
}

// What happens because ctx is done may be reported before the loop sees that it
// is. It must not be published or acted upon.
func TestNothingIsPublishedAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, projectOf(job("a"), job("b")))
		w.run(Config{})
		w.want("a=active b=waiting-for-local")
		w.cancel()
		w.processes["a:update"].Stop(0)
		<-w.ended
		w.want("a=active b=waiting-for-local")
		w.wantStarted("a:update")
		w.wantLog("a", "|Initial Build|Running cmd: a update")
	})
}

func TestRunOnce(t *testing.T) {
	e := New(Config{})
	e.SetFailFast(true)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Run(ctx); err != nil {
		t.Errorf("run with a done context: %v", err)
	}
	if err := e.Run(t.Context()); err == nil {
		t.Error("ran again")
	}
	e.Kill()
	if got := e.Snapshot().Version; got != 1 {
		t.Errorf("version %d", got)
	}
}
