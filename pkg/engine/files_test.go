// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilt.dev/session/pkg/model"
)

func TestChangedFiles(t *testing.T) {
	play(t, projectOf(job("a", on("/project/x", "/other/y")), job("b")), func(w *world) {
		w.exit("a:update", 0)
		w.want("a=ok b=active")
		w.edit("/project/x", "/project/z", "/other/y")
		w.want("a=waiting-for-local b=active")
		w.exit("b:update", 0)
		w.want("a=active b=ok")
		w.exit("a:update", 0)
		w.want("a=ok b=ok")
		w.wantLog("a", "|Initial Build|Running cmd: a update||2 Files Changed: [/other/y x]|Running cmd: a update")
	})
}

func TestTriggerModes(t *testing.T) {
	tests := []struct {
		name    string
		options []option
		// shown are the snapshots at first, after a change, and after a trigger.
		shown [3]string
	}{
		{"auto", nil, [3]string{"a=ok", "a=active", "a=active"}},
		{"auto, no init", []option{noInit}, [3]string{"a=inactive", "a=active", "a=active"}},
		{"manual", []option{manual}, [3]string{"a=ok", "a=pending-trigger", "a=active"}},
		{"manual, no init", []option{manual, noInit}, [3]string{"a=inactive", "a=pending-trigger", "a=active"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			play(t, projectOf(job("a", append(test.options, on("/project/x"))...)), func(w *world) {
				if test.shown[0] == "a=ok" {
					w.exit("a:update", 0)
				}
				w.want(test.shown[0])
				w.edit("/project/x")
				w.want(test.shown[1])
				if test.shown[1] == "a=active" {
					w.exit("a:update", 0)
					w.want("a=ok")
				}
				w.trigger("a")
				w.want(test.shown[2])
				w.exit("a:update", 0)
				w.want("a=ok")
			})
		})
	}
}

func TestServersFollowFiles(t *testing.T) {
	play(t, projectOf(server("s", on("/project/x")), server("m", manual, noInit, on("/project/x"))), func(w *world) {
		w.want("s:serve=ready m:serve=inactive")
		w.edit("/project/x")
		w.want("s:serve=ready m:serve=inactive")
		w.wantShown("s:serve", "tiltfile-reload starting ready active ready")
		w.wantLog("s", "|Initial Build|Running cmd: s serve||1 File Changed: [x]|Running cmd: s serve")
	})
}

func TestEarliestChangeFirst(t *testing.T) {
	project := projectOf(job("a", on("/project/a")), job("b", on("/project/b")), job("c", manual, on("/project/c")), job("new", noInit))
	play(t, project, func(w *world) {
		w.exit("a:update", 0)
		w.exit("b:update", 0)
		w.want("a=ok b=ok c=active new=inactive")
		w.edit("/project/b")
		w.edit("/project/a")
		w.trigger("new")
		w.exit("c:update", 0)
		w.want("a=waiting-for-local b=waiting-for-local c=ok new=active")
		w.edit("/project/c")
		w.exit("new:update", 0)
		w.want("a=waiting-for-local b=active c=pending-trigger new=ok")
		w.exit("b:update", 0)
		w.want("a=active b=ok c=pending-trigger new=ok")
	})
}

func TestEditDuringARun(t *testing.T) {
	play(t, projectOf(job("a", on("/project/x"))), func(w *world) {
		w.edit("/project/x")
		w.want("a=active")
		w.exit("a:update", 1)
		w.want("a=active")
		w.exit("a:update", 0)
		w.want("a=ok")
	})
}

// A job that writes a file that it depends on isn't run for ever.
func TestJobThatChangesItsOwnFiles(t *testing.T) {
	play(t, projectOf(job("a", on("/project/out"))), func(w *world) {
		for range 4 {
			w.want("a=active")
			w.edit("/project/out")
			w.exit("a:update", 0)
		}
		w.want("a=ok")
		log := w.logs.Tail("a", 3)
		if text := log[0].Text; !strings.Contains(text, ": out") || !strings.Contains(log[1].Text, "ignore=") ||
			!strings.Contains(log[2].Text, "trigger a") {
			t.Errorf("warning: %v", log)
		}
		w.trigger("a")
		w.edit("/project/out")
		w.exit("a:update", 0)
		w.want("a=ok")
		w.edit("/project/out")
		w.want("a=active")
	})
}

// A new watch begins when what the old one may not have reported was made, but
// no run has to be repeated for what it has seen.
func TestSinceWhenFilesAreWatched(t *testing.T) {
	play(t, projectOf(job("a", on("/project/x")), job("new", on("/project/x"))), func(w *world) {
		since := func(path string, want time.Time) {
			t.Helper()
			synctest.Wait()
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, f := range w.watches {
				if slices.Contains(f.Paths, path) && !f.Since.Equal(want) {
					t.Errorf("%s is watched since %s, want %s", path, f.Since, want)
				}
			}
		}
		began := time.Now()
		since("/project/x", began)
		w.exit("a:update", 0)
		time.Sleep(time.Minute)
		changed := projectOf(job("a", on("/project/y")), job("new", on("/project/z")))
		changed.Inputs = []string{"/project/lib"}
		w.reload(changed)
		reloaded := time.Now()
		since("/project/lib", reloaded)
		since("/project/y", reloaded.Add(-time.Second))
		w.trigger("new")
		w.exit("new:update", 0)
		w.reload(projectOf(job("a", on("/project/y")), job("new", on("/project/x"))))
		since("/project/x", reloaded)
		w.disable(named("a"), "a")
		time.Sleep(time.Minute)
		w.enable(named("a"), false, "a")
		since("/project/y", time.Now())
	})
}

// Reports of changes are late. A change that was seen before the start leads to no other run.
func TestLateReports(t *testing.T) {
	play(t, projectOf(job("a", on("/project/x"))), func(w *world) {
		w.exit("a:update", 0)
		time.Sleep(time.Second)
		seen := time.Now()
		time.Sleep(time.Second)
		w.trigger("a")
		w.notice(model.Change{Path: "/project/x", Seen: seen, Modified: seen})
		w.exit("a:update", 0)
		w.want("a=ok")
	})
}

func TestWatches(t *testing.T) {
	ignores := []model.IgnoreSet{{Base: "/project", Patterns: []string{"*.tmp"}, Source: "somewhere"}}
	project := projectOf(job("a", on("/project/x")), job("b"), job("off", on("/project/x")))
	project.Enabled = model.Selection{Names: []string{"a", "b"}}
	project.Inputs = []string{"/project/lib", "/project/Tiltfile"}
	project.Ignores = ignores
	play(t, project, func(w *world) {
		if got, want := w.watched(), "/project/Tiltfile+/project/lib /project/x"; got != want {
			t.Errorf("watched: %s, want %s", got, want)
		}
		first := w.watches[1]
		if len(first.Ignores) != 1 || len(w.watches[0].Ignores) != 1 {
			t.Errorf("ignores: %v", first.Ignores)
		}
		ignores[0].Source = "somewhere else"
		w.reload(project)
		if w.watches[1] != first {
			t.Error("an unchanged watch was replaced")
		}
		project.Resources[0].Deps = []string{"/project/y"}
		w.reload(project)
		w.err = errors.New("no")
		w.project = model.Project{Inputs: []string{"/project/broken"}}
		w.edit("/project/lib")
		if got, want := w.watched(), "/project/Tiltfile+/project/broken /project/y"; got != want {
			t.Errorf("watched after a failure: %s, want %s", got, want)
		}
	})
}

func TestWatchFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, projectOf(job("a", noInit, on("/project/x"))))
		w.watchError = errors.New("too many files")
		w.run(Config{})
		w.want("a=inactive")
		w.wantLog("a", "Files are not watched, so their changes have no effect: too many files")
		w.stop()
	})
}

func TestNothingIsWatchedWithoutAWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, projectOf(job("a", on("/project/x"))))
		w.unwatched = true
		w.run(Config{})
		w.want("a=active")
		if got := w.watched(); got != "" {
			t.Errorf("watched: %s", got)
		}
		w.stop()
	})
}

func TestTiltfileIsWatchedWhileItIsEvaluated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, projectOf(job("a")))
		w.evaluate = make(chan struct{})
		w.run(Config{})
		w.edit("/project/Tiltfile")
		w.want("tiltfile")
		w.evaluate <- struct{}{}
		w.want("a=tiltfile-reload")
		if s := w.engine.Snapshot().Tiltfile; s.Pending || s.Running.IsZero() || s.Evaluations != 1 {
			t.Errorf("after the first evaluation: %+v", s)
		}
		w.evaluate <- struct{}{}
		w.want("a=active")
		w.stop()
	})
}
