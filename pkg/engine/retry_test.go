// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

func retrying(n int) option { return func(r *model.Resource) { r.Retries = n } }

func TestRetries(t *testing.T) {
	play(t, projectOf(job("a", retrying(2)), job("b", after("a"))), func(w *world) {
		w.want("a=active b=waiting-for-local")
		w.exit("a:update", 1)
		w.want("a=retrying b=waiting-for-dep")
		if u := w.resource("a").Update; u.Attempt != 0 || u.Retries != 2 || u.Last != nil {
			t.Errorf("before the first repetition: %+v", u)
		}
		time.Sleep(500*time.Millisecond - time.Nanosecond)
		w.want("a=retrying b=waiting-for-dep")
		time.Sleep(time.Nanosecond)
		w.want("a=active b=waiting-for-local")
		if u := w.resource("a").Update; u.Attempt != 1 {
			t.Errorf("first repetition: %+v", u)
		}
		w.exit("a:update", 2)
		time.Sleep(time.Second)
		w.want("a=active b=waiting-for-local")
		w.exit("a:update", 3)
		w.want("a=failed b=waiting-for-dep")
		if u := w.resource("a").Update; u.Attempt != 2 || *u.Last.Code != 3 {
			t.Errorf("after the last repetition: %+v", u)
		}
		w.wantLog("a", "|Initial Build|Running cmd: a update|"+
			`Retrying (1 of 2) in 500ms: Command "a update" failed: exit status 1|Running cmd: a update|`+
			`Retrying (2 of 2) in 1s: Command "a update" failed: exit status 2|Running cmd: a update|`+
			`ERROR: Build Failed: Command "a update" failed: exit status 3`)
		w.wantShown("a", "tiltfile-reload active retrying active retrying active failed")
	})
}

func TestOthersRunWhileAJobIsRetried(t *testing.T) {
	play(t, projectOf(job("a", retrying(1), on("/project/x")), job("b")), func(w *world) {
		w.edit("/project/x")
		w.exit("a:update", 1)
		w.want("a=retrying b=active")
		time.Sleep(time.Hour)
		w.want("a=waiting-for-local b=active")
		if !w.resource("a").Update.Retry || w.resource("b").Update.Retry {
			t.Error("the execution that is due isn't shown as a retry")
		}
		w.exit("b:update", 0)
		w.want("a=active b=ok")
		w.exit("a:update", 0)
		// The repetition has seen the edit.
		w.want("a=ok b=ok")
	})
}

func TestWhatCutsARetryShort(t *testing.T) {
	for name, cut := range map[string]func(w *world){
		"trigger": func(w *world) { w.trigger("a") },
		"edit":    func(w *world) { w.edit("/project/x") },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, projectOf(job("a", retrying(1), on("/project/x"))), func(w *world) {
				w.exit("a:update", 1)
				w.want("a=retrying")
				cut(w)
				w.want("a=active")
				if got := w.resource("a").Update.Attempt; got != 0 {
					t.Errorf("attempt %d", got)
				}
				w.exit("a:update", 0)
				time.Sleep(time.Hour)
				w.want("a=ok")
				w.wantStarted("a:update", "a:update")
			})
		})
	}
	t.Run("disable", func(t *testing.T) {
		play(t, projectOf(job("a", retrying(1))), func(w *world) {
			w.exit("a:update", 1)
			w.disable(named("a"), "a")
			time.Sleep(time.Hour)
			w.want("a=disabled")
			w.wantStarted("a:update")
		})
	})
}

func TestTimeout(t *testing.T) {
	limited := func(r *model.Resource) { r.Timeout = 5 * time.Second }
	play(t, projectOf(job("a", limited, parallel), job("b", limited, parallel), job("c", limited, retrying(1), parallel)), func(w *world) {
		w.process("a:update").resist()
		time.Sleep(4 * time.Second)
		w.exit("b:update", 0)
		w.want("a=active b=ok c=active")
		time.Sleep(time.Second)
		w.want("a=active b=ok c=retrying")
		time.Sleep(DefaultKillGrace)
		w.want("a=failed b=ok c=failed")
		last := w.resource("a").Update.Last
		if want := `Command "a update" failed: timed out after 5s`; last.Error != want || last.Signal != "killed" {
			t.Errorf("ended: %+v", last)
		}
		w.wantLog("c", "|Initial Build|Running cmd: c update|"+
			`Retrying (1 of 1) in 500ms: Command "c update" failed: timed out after 5s|Running cmd: c update|`+
			`ERROR: Build Failed: Command "c update" failed: timed out after 5s`)
		if n := w.process("b:update").stopped(); n != 0 {
			t.Errorf("a job that was in time was stopped %d times", n)
		}
	})
}

// The timer of a suspended process fires as soon as the process continues, maybe before the message of a job's end.
func TestLateTimeout(t *testing.T) {
	limited := func(r *model.Resource) { r.Timeout = time.Second }
	for code, want := range map[int]string{0: "a=ok", 3: "a=failed"} {
		play(t, projectOf(job("a", limited)), func(w *world) {
			w.process("a:update").exitUnseen()
			time.Sleep(time.Minute)
			w.want("a=active")
			w.process("a:update").end(process.Exit{Code: code})
			w.want(want)
			if err := w.resource("a").Update.Last.Error; strings.Contains(err, "timed out") {
				t.Errorf("error %q", err)
			}
			if n := w.process("a:update").stopped(); n != 0 {
				t.Errorf("stopped an ended process %d times", n)
			}
		})
	}
}

func TestCatchUp(t *testing.T) {
	play(t, projectOf(job("a", parallel), job("b", parallel)), func(w *world) {
		// Nothing has ended.
		w.do(w.engine.CatchUp(w.t.Context()))
		w.process("a:update").exitUnseen()
		caughtUp := make(chan error)
		go func() { caughtUp <- w.engine.CatchUp(w.t.Context()) }()
		synctest.Wait()
		select {
		case <-caughtUp:
			w.t.Fatal("an end that nothing shows is caught up with")
		default:
		}
		w.process("a:update").end(process.Exit{})
		if err := <-caughtUp; err != nil {
			w.t.Fatal(err)
		}
		if w.engine.Snapshot().Resources[0].Update.Last == nil {
			w.t.Error("the end isn't shown")
		}
		// It returns when its context is done.
		w.process("b:update").exitUnseen()
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		if err := w.engine.CatchUp(ctx); !errors.Is(err, context.DeadlineExceeded) {
			w.t.Errorf("got %v", err)
		}
		w.exit("b:update", 0)
	})
}

func TestTimeoutOfAJobThatEndsWell(t *testing.T) {
	limited := func(r *model.Resource) { r.Timeout = time.Second }
	play(t, projectOf(job("a", limited)), func(w *world) {
		w.process("a:update").resist()
		time.Sleep(time.Second)
		w.process("a:update").end(process.Exit{})
		w.want("a=failed")
	})
}
