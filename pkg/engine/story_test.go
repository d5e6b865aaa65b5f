// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

func TestJobs(t *testing.T) {
	play(t, projectOf(job("a"), job("b"), job("c", after("b"))), func(w *world) {
		w.want("a=active b=waiting-for-local c=waiting-for-local")
		w.exit("a:update", 0)
		w.want("a=ok b=active c=waiting-for-local")
		w.exit("b:update", 3)
		w.want("a=ok b=failed c=waiting-for-dep")
		w.wantStarted("a:update", "b:update")
	})
}

func TestParallelJobs(t *testing.T) {
	project := projectOf(append(jobs(4, parallel), job("alone"))...)
	play(t, project, func(w *world) {
		w.want("j0=active j1=active j2=active j3=waiting-for-slot alone=is-unparallelizable-local")
		w.exit("j1:update", 0)
		w.want("j0=active j1=ok j2=active j3=active alone=is-unparallelizable-local")
		w.exit("j0:update", 0)
		w.exit("j2:update", 0)
		w.exit("j3:update", 0)
		w.want("j0=ok j1=ok j2=ok j3=ok alone=active")
	})
}

func TestDependencyOnServer(t *testing.T) {
	t.Run("without probe when it has started", func(t *testing.T) {
		project := projectOf(server("s"), job("j", after("s")))
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, project)
			gate := w.gate("s:serve")
			w.run(Config{})
			w.want("s:serve=starting j=waiting-for-dep")
			close(gate)
			w.want("s:serve=ready j=active")
			w.stop()
		})
	})
	t.Run("with probe when it's ready once", func(t *testing.T) {
		play(t, projectOf(server("s", withProbe), job("j", after("s")), job("k", after("s"))), func(w *world) {
			w.want("s:serve=active j=waiting-for-dep k=waiting-for-dep")
			w.report("s", false, "refused")
			w.want("s:serve=active j=waiting-for-dep k=waiting-for-dep")
			w.report("s", true, "fine")
			w.want("s:serve=ready j=active k=waiting-for-local")
			w.report("s", false, "refused")
			w.exit("j:update", 0)
			w.want("s:serve=active j=ok k=active")
		})
	})
	t.Run("with a job as well", func(t *testing.T) {
		play(t, projectOf(job("s", serving, withProbe), job("j", after("s"))), func(w *world) {
			w.want("s=active s:serve=waiting-for-update j=waiting-for-local")
			w.exit("s:update", 0)
			w.want("s=ok s:serve=active j=waiting-for-dep")
			w.report("s", true, "fine")
			w.want("s=ok s:serve=ready j=active")
		})
	})
	t.Run("not when it couldn't be launched", func(t *testing.T) {
		project := projectOf(server("s"), job("j", after("s")))
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, project)
			w.refusals["s:serve"] = errors.New("no such file")
			w.run(Config{})
			w.want("s:serve=failed j=waiting-for-dep")
			w.stop()
		})
	})
}

func TestServerOfFailedUpdate(t *testing.T) {
	play(t, projectOf(job("a"), job("s", serving)), func(w *world) {
		w.want("a=active s=waiting-for-local s:serve=waiting-for-local")
		w.exit("a:update", 0)
		w.want("a=ok s=active s:serve=waiting-for-update")
		w.exit("s:update", 1)
		w.want("a=ok s=failed s:serve=update-failed")
	})
}

func TestServerOnlyWaitsForSlots(t *testing.T) {
	play(t, projectOf(append(jobs(3, parallel), server("s"))...), func(w *world) {
		w.want("j0=active j1=active j2=active s:serve=waiting-for-slot")
		w.exit("j2:update", 0)
		w.want("j0=active j1=active j2=ok s:serve=ready")
	})
}

func TestInactiveAndDisabled(t *testing.T) {
	project := projectOf(job("a", noInit, serving), job("b"), job("c", serving), job("d", after("a")), job("e", after("c")))
	project.Enabled = model.Selection{Names: []string{"a", "b", "d", "e"}}
	play(t, project, func(w *world) {
		w.exit("b:update", 0)
		w.want("a=inactive a:serve=inactive b=ok c=disabled c:serve=disabled d=waiting-for-dep e=waiting-for-dep")
	})
}

func TestUnknownDependencyIsIgnored(t *testing.T) {
	play(t, projectOf(job("a", after("missing"))), func(w *world) {
		w.want("a=active")
	})
}

func TestFailFast(t *testing.T) {
	run := func(name string, project model.Project, story func(w *world)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, project)
				w.run(Config{FailFast: true})
				story(w)
				w.stop()
			})
		})
	}
	run("job", projectOf(job("a", parallel), job("b", parallel, serving), job("c"), job("d", after("a"))), func(w *world) {
		w.exit("a:update", 1)
		w.exit("b:update", 0)
		w.want("a=failed b=ok b:serve=after-failure c=after-failure d=waiting-for-dep")
		w.engine.SetFailFast(false)
		w.want("a=failed b=ok b:serve=ready c=active d=waiting-for-local")
		w.wantStarted("a:update", "b:update", "c:update", "b:serve")
	})
	run("server", projectOf(server("s"), job("a"), job("b")), func(w *world) {
		w.want("s:serve=ready a=active b=waiting-for-local")
		w.exit("s:serve", 0)
		w.exit("a:update", 0)
		w.want("s:serve=failed a=ok b=after-failure")
	})
}

func TestTiltfile(t *testing.T) {
	project := projectOf(job("a"))
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, project)
		w.evaluate = make(chan struct{})
		w.run(Config{PID: 7, StartTime: time.Unix(1, 0)})
		began := time.Now()
		w.want("tiltfile")
		want := &Snapshot{
			Version: 2, PID: 7, StartTime: time.Unix(1, 0),
			Tiltfile: TiltfileState{Path: "/project/Tiltfile", Running: began},
		}
		if diff := cmp.Diff(want, w.engine.Snapshot(), plain()); diff != "" {
			t.Errorf("while evaluating (-want +got):\n%s", diff)
		}
		time.Sleep(1500 * time.Millisecond)
		close(w.evaluate)
		w.want("a=active")
		wantTiltfile := TiltfileState{
			Path:        "/project/Tiltfile",
			Last:        &Exit{Start: began, Finish: began.Add(1500 * time.Millisecond)},
			Evaluations: 1,
			CI:          project.CI,
		}
		if diff := cmp.Diff(wantTiltfile, w.engine.Snapshot().Tiltfile, plain()); diff != "" {
			t.Errorf("evaluated (-want +got):\n%s", diff)
		}
		w.wantLog(model.TiltfileResource, "|Initial Build|Loading Tiltfile at: /project/Tiltfile|Successfully loaded Tiltfile (1.5s)")
		w.stop()
	})
}

func TestTiltfileFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, projectOf(job("a")))
		w.err = errors.New("Traceback:\n  Error: no")
		w.run(Config{})
		w.want("tiltfile=failed")
		if got := w.engine.Snapshot().Tiltfile.Last.Error; got != w.err.Error() {
			t.Errorf("error %q", got)
		}
		w.wantLog(model.TiltfileResource, "|Initial Build|Loading Tiltfile at: /project/Tiltfile|ERROR: Traceback:|ERROR:   Error: no")
		w.stop()
	})
}

func TestJobRecord(t *testing.T) {
	code := func(c int) *int { return &c }
	start := time.Date(2000, 1, 1, 0, 0, 1, 0, time.UTC)
	finish := start.Add(time.Minute)
	tests := []struct {
		name   string
		exit   process.Exit
		refuse error
		want   Exit
		log    string
	}{
		{"success", process.Exit{}, nil,
			Exit{Start: start, Finish: finish, Code: code(0)}, ""},
		{"code", process.Exit{Code: 3}, nil,
			Exit{Start: start, Finish: finish, Code: code(3), Error: `Command "a update" failed: exit status 3`},
			`|ERROR: Build Failed: Command "a update" failed: exit status 3`},
		{"signal", process.Exit{Code: -1, Signal: "terminated"}, nil,
			Exit{Start: start, Finish: finish, Signal: "terminated", Error: `Command "a update" failed: signal: terminated`},
			`|ERROR: Build Failed: Command "a update" failed: signal: terminated`},
		{"not launched", process.Exit{}, errors.New("exec: no"),
			Exit{Start: start, Finish: start, Error: `Command "a update" failed: failed to start: exec: no`},
			`|ERROR: Build Failed: Command "a update" failed: failed to start: exec: no`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, projectOf(job("a")))
				w.refusals["a:update"] = test.refuse
				time.Sleep(time.Second)
				w.run(Config{})
				synctest.Wait()
				if test.refuse == nil {
					active := w.resource("a")
					want := &UpdateState{Command: "a update", Running: start}
					if diff := cmp.Diff(want, active.Update, plain()); diff != "" {
						t.Errorf("while it runs (-want +got):\n%s", diff)
					}
					time.Sleep(time.Minute)
					_, _ = w.specs["a:update"].Output.Write([]byte("no line end"))
					w.process("a:update").end(test.exit)
					test.log = "|no line end" + test.log
				}
				want := &UpdateState{Command: "a update", Last: &test.want}
				if diff := cmp.Diff(want, w.resource("a").Update, plain()); diff != "" {
					t.Errorf("ended (-want +got):\n%s", diff)
				}
				w.wantLog("a", "|Initial Build|Running cmd: a update"+test.log)
				w.stop()
			})
		})
	}
}

func TestServerRecord(t *testing.T) {
	code := func(c int) *int { return &c }
	start := time.Date(2000, 1, 1, 0, 0, 1, 0, time.UTC)
	finish := start.Add(time.Minute)
	tests := []struct {
		name   string
		exit   process.Exit
		refuse error
		want   Exit
	}{
		{"code 0", process.Exit{}, nil, Exit{Start: start, Finish: finish, Code: code(0),
			Error: "Process 101 exited with code 0, but servers are expected to run indefinitely"}},
		{"code", process.Exit{Code: 3}, nil, Exit{Start: start, Finish: finish, Code: code(3),
			Error: "Process 101 exited with code 3"}},
		{"signal", process.Exit{Code: -1, Signal: "killed"}, nil, Exit{Start: start, Finish: finish, Signal: "killed",
			Error: "Process 101 was killed by signal: killed"}},
		{"not launched", process.Exit{}, errors.New("exec: no"), Exit{Finish: start,
			Error: `Command "s serve" failed to start: exec: no`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, projectOf(server("s")))
				w.refusals["s:serve"] = test.refuse
				time.Sleep(time.Second)
				w.run(Config{})
				if test.refuse == nil {
					want := &RuntimeState{Verb: "serve", Command: "s serve", Running: &Running{
						PID: 101, Start: start, Phase: Ready, Changed: start, LastReady: start,
					}}
					if diff := cmp.Diff(want, w.resource("s").Runtime, plain()); diff != "" {
						t.Errorf("while it runs (-want +got):\n%s", diff)
					}
					time.Sleep(time.Minute)
					w.process("s:serve").end(test.exit)
				}
				want := &RuntimeState{Verb: "serve", Command: "s serve", Exit: &test.want}
				if diff := cmp.Diff(want, w.resource("s").Runtime, plain()); diff != "" {
					t.Errorf("ended (-want +got):\n%s", diff)
				}
				w.wantLog("s", "|Initial Build|Running cmd: s serve|ERROR: "+test.want.Error)
				w.stop()
			})
		})
	}
}

func TestReadiness(t *testing.T) {
	play(t, projectOf(server("s", withProbe)), func(w *world) {
		began := time.Now()
		steps := []struct {
			ready bool
			text  string
			want  Running
		}{
			{false, "refused", Running{PID: 101, Start: began}},
			{true, "200", Running{PID: 101, Start: began, Phase: Ready, Changed: began.Add(2 * time.Second), LastReady: began.Add(2 * time.Second)}},
			{true, "204", Running{PID: 101, Start: began, Phase: Ready, Changed: began.Add(2 * time.Second), LastReady: began.Add(2 * time.Second)}},
			{false, "503", Running{PID: 101, Start: began, Changed: began.Add(4 * time.Second), LastReady: began.Add(2 * time.Second)}},
			{true, "200", Running{PID: 101, Start: began, Phase: Ready, Changed: began.Add(5 * time.Second), LastReady: began.Add(5 * time.Second)}},
		}
		w.want("s:serve=active")
		for _, step := range steps {
			time.Sleep(time.Second)
			w.report("s", step.ready, step.text)
			serve := w.resource("s").Runtime
			if diff := cmp.Diff(&step.want, serve.Running); diff != "" {
				t.Errorf("after %q (-want +got):\n%s", step.text, diff)
			}
			if serve.Detail != step.text {
				t.Errorf("last probe %q, want %q", serve.Detail, step.text)
			}
		}
		version := w.engine.Snapshot().Version
		w.report("s", true, "200")
		synctest.Wait()
		if got := w.engine.Snapshot().Version; got != version {
			t.Error("a result that changes nothing was published")
		}
	})
}

func TestLateProbeResult(t *testing.T) {
	play(t, projectOf(server("s", withProbe), job("j", after("s"))), func(w *world) {
		w.exit("s:serve", 1)
		w.want("s:serve=failed j=waiting-for-dep")
		if w.probing != 0 {
			t.Error("the probe goes on after the server has ended")
		}
		w.report("s", true, "late")
		w.want("s:serve=failed j=waiting-for-dep")
		if got := w.resource("s").Runtime.Detail; got != "" {
			t.Errorf("last probe %q", got)
		}
	})
}

func TestEnvironment(t *testing.T) {
	value := "tiltfile"
	a := job("a", serving)
	a.Update.(*model.Command).Env = []string{"OWN=first", "OWN=job", "BASE=job"}
	a.Update.(*model.Command).Dir = "/project/a"
	project := projectOf(a)
	project.Environ = map[string]*string{"PUT": &value, "GONE": nil, "CHANGED": &value, "NEVER": nil}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, project)
		base := []string{"BASE=1", "GONE=1", "CHANGED=1", "BASE=2", "GONEBY=1"}
		w.run(Config{Environ: base})
		w.exit("a:update", 0)
		w.want("a=ok a:serve=ready")
		// The last entry of a key wins; package process merges those of the command.
		run := []string{"BASE=2", "GONEBY=1", "CHANGED=tiltfile", "PUT=tiltfile"}
		want := append(slices.Clone(run), "OWN=first", "OWN=job", "BASE=job")
		if diff := cmp.Diff(want, w.specs["a:update"].Env); diff != "" {
			t.Errorf("job (-want +got):\n%s", diff)
		}
		if dir := w.specs["a:update"].Dir; dir != "/project/a" {
			t.Errorf("job runs in %s", dir)
		}
		if diff := cmp.Diff(run, w.specs["a:serve"].Env); diff != "" {
			t.Errorf("server (-want +got):\n%s", diff)
		}
		w.stop()
	})
}

// What no log may show isn't in the state either.
func TestRedactedErrors(t *testing.T) {
	play(t, projectOf(job("a"), server("s", withProbe)), func(w *world) {
		w.logs.Redact(map[string]string{"update": "[secret]", "correct horse": "[secret]"})
		w.exit("a:update", 1)
		w.report("s", false, "got correct horse")
		if got, want := w.resource("a").Update.Last.Error, `Command "a [secret]" failed: exit status 1`; got != want {
			t.Errorf("error %q, want %q", got, want)
		}
		if got := w.resource("s").Runtime.Detail; got != "got [secret]" {
			t.Errorf("detail %q", got)
		}
	})
}
