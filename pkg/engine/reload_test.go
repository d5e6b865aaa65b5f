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

func TestReloadLeavesAloneWhatIsTheSame(t *testing.T) {
	play(t, projectOf(job("a"), server("s", withProbe), job("b", after("s"))), func(w *world) {
		w.exit("a:update", 0)
		w.report("s", true, "up")
		w.want("a=ok s:serve=ready b=active")
		before := w.engine.Snapshot()
		w.reload(projectOf(server("s", withProbe), job("a"), job("b", after("s")), job("c", after("s"))))
		w.want("s:serve=ready a=ok b=active c=waiting-for-local")
		now := w.engine.Snapshot()
		if before.Resources[0].Update != now.Resources[1].Update || before.Resources[1].Runtime != now.Resources[0].Runtime {
			t.Error("what is the same isn't shared")
		}
		w.exit("b:update", 0)
		w.want("s:serve=ready a=ok b=ok c=active")
		w.wantStarted("a:update", "s:serve", "b:update", "c:update")
		w.wantLog(model.TiltfileResource, "|Initial Build|Loading Tiltfile at: /project/Tiltfile|Successfully loaded Tiltfile (0s)|"+
			"|1 File Changed: [Tiltfile]|Loading Tiltfile at: /project/Tiltfile|Successfully loaded Tiltfile (0s)")
	})
}

// other gives a job another command.
func other(r *model.Resource) {
	r.Update = &model.Command{Argv: []string{r.Name, "update"}, Dir: "/other"}
}

func TestReloadUpdatesWhatHasChanged(t *testing.T) {
	play(t, projectOf(job("a"), job("m", manual), job("s", serving), job("gone", serving)), func(w *world) {
		for _, name := range []string{"a", "m", "s", "gone"} {
			w.exit(name+":update", 0)
		}
		w.want("a=ok m=ok s=ok s:serve=ready gone=ok gone:serve=ready")
		w.process("gone:serve").resist()
		w.reload(projectOf(job("a", other), job("m", manual, other), job("s", other, serving), job("new")))
		w.want("a=waiting-for-local m=pending-trigger s=waiting-for-local s:serve=ready new=active")
		if n := w.process("gone:serve").stopped(); n != 1 {
			t.Errorf("the server that's gone was stopped %d times", n)
		}
		w.exit("new:update", 0)
		w.exit("a:update", 0)
		first := w.process("s:serve")
		w.exit("s:update", 0)
		w.want("a=ok m=pending-trigger s=ok s:serve=ready new=ok")
		if w.process("s:serve") == first || first.stopped() != 1 {
			t.Error("the server wasn't replaced")
		}
		w.trigger("m")
		w.want("a=ok m=active s=ok s:serve=ready new=ok")
		w.wantShown("a", "tiltfile-reload active ok tiltfile-reload waiting-for-local active ok")
		w.wantLog("a", "|Initial Build|Running cmd: a update||1 File Changed: [Tiltfile]|Running cmd: a update")
	})
}

func TestReloadDuringARun(t *testing.T) {
	play(t, projectOf(job("a"), job("b"), job("c")), func(w *world) {
		w.want("a=active b=waiting-for-local c=waiting-for-local")
		w.reload(projectOf(job("a", other), job("b", other)))
		w.want("a=active b=waiting-for-local")
		w.exit("a:update", 0)
		w.want("a=waiting-for-local b=active")
		w.exit("b:update", 0)
		w.want("a=active b=ok")
		w.exit("a:update", 0)
		w.want("a=ok b=ok")
	})
}

func TestReloadOfServerThatBecomesAJob(t *testing.T) {
	play(t, projectOf(server("x"), job("y"), job("z", after("x"))), func(w *world) {
		w.want("x:serve=ready y=active z=waiting-for-local")
		w.reload(projectOf(job("x"), server("y"), job("z", after("x"))))
		if n := w.process("y:update").stopped(); n != 1 {
			t.Errorf("the job was stopped %d times", n)
		}
		w.exit("z:update", 0)
		w.exit("x:update", 0)
		w.want("x=ok y:serve=ready z=ok")
		if n := w.process("x:serve").stopped(); n != 1 {
			t.Errorf("the server was stopped %d times", n)
		}
	})
}

func TestReloadWithoutTheJobThatIsDueAgain(t *testing.T) {
	play(t, projectOf(job("a", retrying(1), manual), job("b")), func(w *world) {
		w.exit("a:update", 1)
		time.Sleep(time.Minute)
		w.want("a=waiting-for-local b=active")
		w.reload(projectOf(server("a", manual), job("b")))
		w.exit("b:update", 0)
		w.want("a:serve=pending-trigger b=ok")
		w.trigger("a")
		w.want("a:serve=ready b=ok")
	})
}

func TestRemovedAndAddedAgain(t *testing.T) {
	play(t, projectOf(server("s"), job("j")), func(w *world) {
		w.process("s:serve").resist()
		w.process("j:update").resist()
		w.reload(projectOf(job("k")))
		w.want("k=waiting-for-local")
		w.reload(projectOf(server("s"), job("j", parallel)))
		w.want("s:serve=waiting-for-local j=waiting-for-local")
		time.Sleep(DefaultKillGrace)
		w.want("s:serve=ready j=active")
		w.wantStarted("s:serve", "s:serve", "j:update", "j:update")
	})
}

func TestReloadOfDependencies(t *testing.T) {
	play(t, projectOf(job("a"), job("b", after("a")), job("c", noInit)), func(w *world) {
		w.exit("a:update", 0)
		w.exit("b:update", 0)
		w.reload(projectOf(job("a"), job("b", after("c")), job("c", noInit), job("d", after("c")), job("e", after("a"))))
		w.want("a=ok b=ok c=inactive d=waiting-for-local e=active")
		w.exit("e:update", 0)
		w.want("a=ok b=ok c=inactive d=waiting-for-dep e=ok")
		w.reload(projectOf(job("a"), job("b", after("c")), job("c", noInit), job("d", after("a"))))
		w.want("a=ok b=ok c=inactive d=active")
	})
}

func TestReloadOfAutoInit(t *testing.T) {
	play(t, projectOf(job("a", noInit), job("b"), job("c")), func(w *world) {
		w.reload(projectOf(job("a"), job("b"), job("c", noInit, serving)))
		w.exit("b:update", 0)
		w.want("a=active b=ok c=waiting-for-local c:serve=waiting-for-local")
	})
}

func TestFailedReload(t *testing.T) {
	play(t, projectOf(job("a", on("/project/x")), server("s")), func(w *world) {
		w.exit("a:update", 0)
		w.err = errors.New("syntax")
		w.edit("/project/Tiltfile")
		w.want("tiltfile=failed a=ok s:serve=ready")
		w.edit("/project/x")
		w.want("tiltfile=failed a=active s:serve=ready")
		w.reload(projectOf(job("a", on("/project/x")), server("s")))
		w.want("a=active s:serve=ready")
	})
}

func TestNothingStartsDuringAReload(t *testing.T) {
	play(t, projectOf(job("a"), job("b")), func(w *world) {
		synctest.Wait()
		w.evaluate = make(chan struct{})
		w.edit("/project/Tiltfile")
		w.exit("a:update", 0)
		w.trigger("a")
		w.want("a=tiltfile-reload b=tiltfile-reload")
		w.edit("/project/Tiltfile")
		if s := w.engine.Snapshot().Tiltfile; s.Pending || s.Running.IsZero() {
			t.Errorf("while it's evaluated: %+v", s)
		}
		w.do(w.engine.SetTiltfile(w.t.Context(), "/project/Tiltfile"))
		w.trigger("(Tiltfile)")
		if s := w.engine.Snapshot().Tiltfile; !s.Pending {
			t.Errorf("when another evaluation is wanted: %+v", s)
		}
		w.evaluate <- struct{}{}
		w.want("a=tiltfile-reload b=tiltfile-reload")
		w.evaluate <- struct{}{}
		w.want("a=waiting-for-local b=active")
	})
}

func TestArgs(t *testing.T) {
	project := projectOf(job("a"), job("b"), job("c"))
	project.Enabled = model.Selection{Names: []string{"a", "c"}}
	play(t, project, func(w *world) {
		w.exit("a:update", 0)
		w.want("a=ok b=disabled c=active")
		w.disable(named("c"), "c")
		w.reload(project)
		w.want("a=ok b=disabled c=disabled")

		set := func(want bool, args ...string) {
			w.t.Helper()
			changed, err := w.engine.SetArgs(w.t.Context(), args)
			w.do(err)
			if changed != want {
				t.Errorf("%q: changed is %t", args, changed)
			}
		}
		set(false)
		w.project.Enabled = model.Selection{Names: []string{"b", "c"}}
		set(true, "b", "c")
		set(false, "b", "c")
		w.want("a=disabled b=active c=waiting-for-local")
		if diff := cmp.Diff([]string{"b", "c"}, w.engine.Snapshot().Tiltfile.Args); diff != "" {
			t.Errorf("args (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(LoadInput{Path: "/project/Tiltfile", Args: []string{"b", "c"}}, w.loads[2]); diff != "" || len(w.loads) != 3 {
			t.Errorf("evaluated %d times, with (-want +got):\n%s", len(w.loads), diff)
		}
		lines := w.logs.Tail(model.TiltfileResource, 4)
		if lines[0].Text != "Tilt Args" || lines[1].Text != "Tiltfile args changed to: [b c]" {
			t.Errorf("log: %v", lines)
		}

		w.err = errors.New("no such resource")
		set(true, "nope")
		w.want("tiltfile=failed a=disabled b=active c=waiting-for-local")
		// A return to the current arguments keeps what was enabled and disabled by request.
		w.disable(named("c"), "c")
		w.err = nil
		set(true, "b", "c")
		w.want("a=disabled b=active c=disabled")
	})
}

func TestSetTiltfile(t *testing.T) {
	play(t, projectOf(job("a"), job("b")), func(w *world) {
		w.exit("a:update", 0)
		w.disable(named("b"), "b")
		w.project = projectOf(job("a"), job("b"))
		w.do(w.engine.SetTiltfile(w.t.Context(), "/else/Tiltfile"))
		w.want("a=ok b=active")
		if got := w.engine.Snapshot().Tiltfile.Path; got != "/else/Tiltfile" {
			t.Errorf("path %s", got)
		}
		if got := w.watched(); got != "/else/Tiltfile" {
			t.Errorf("watched: %s", got)
		}
	})
}

func TestEnvironmentOfALaterStart(t *testing.T) {
	value := "new"
	project := projectOf(job("a"))
	play(t, project, func(w *world) {
		w.exit("a:update", 0)
		project.Environ = map[string]*string{"X": &value}
		w.reload(project)
		w.want("a=ok")
		w.trigger("a")
		w.want("a=active")
		if diff := cmp.Diff([]string{"X=new"}, w.specs["a:update"].Env); diff != "" {
			t.Errorf("environment (-want +got):\n%s", diff)
		}
	})
}
