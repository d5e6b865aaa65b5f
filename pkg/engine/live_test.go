// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilt.dev/session/pkg/model"
)

// synced is a live update of the files of images, the first of which the containers run.
func synced(images ...string) option {
	return func(r *model.Resource) {
		u := model.LiveUpdate{Image: images[0], Sources: images}
		for _, image := range images {
			u.Syncs = append(u.Syncs, model.Sync{Local: "/src/" + image, Remote: "/" + image})
			u.StopPaths = append(u.StopPaths, "/src/"+image+"/stop")
		}
		r.LiveUpdates = append(r.LiveUpdates, u)
	}
}

// playLive plays a story with resource "a", whose container runs image "web" on top of "base".
func playLive(t *testing.T, story func(w *world), options ...option) {
	t.Helper()
	options = append([]option{synced("web", "base")}, options...)
	images := []model.Image{imageOf("base"), imageOf("web", "base")}
	images[1].Deps = append(images[1].Deps, "/unsynced")
	play(t, projectWith(images, workload("a", []string{"web"}, options...)), func(w *world) {
		w.build("base", "1")
		w.build("web", "1")
		w.deploy("a")
		w.containers("a", LiveState{Phase: LiveReady})
		w.want("a=ok a:runtime=ready image:base=ok image:web=ok")
		story(w)
	})
}

// containers reports how the containers of a resource are.
func (w *world) containers(resource string, states ...LiveState) {
	w.t.Helper()
	w.performance(resource + ":runtime").runtime.ReportLive(states)
}

// live ends a live update of a resource, which must bring files: their names below /src, and the numbers of changes.
func (w *world) live(resource, files string, end End) {
	w.t.Helper()
	var got []string
	for _, f := range w.performance(resource + ":live").files[0] {
		got = append(got, fmt.Sprintf("%s:%d", strings.TrimPrefix(f.Path, "/src/"), f.Change))
	}
	if got := strings.Join(got, " "); got != files {
		w.t.Errorf("the live update brings %q, want %q", got, files)
	}
	w.containers(resource, LiveState{Phase: LiveReady})
	w.finish(resource+":live", end)
}

func TestLiveUpdate(t *testing.T) {
	playLive(t, func(w *world) {
		w.edit("/src/web/x")
		w.want("a=active a:runtime=ready image:base=ok image:web=ok")
		w.edit("/src/web/y", "/src/base/z")
		w.live("a", "web/x:1", End{})
		w.live("a", "web/x:1 web/y:2 base/z:3", End{})
		w.want("a=ok a:runtime=ready image:base=ok image:web=ok")
		w.wantLog("a", "Waiting for image:web||Initial Build||1 File Changed: [/src/web/x]||"+
			"2 Files Changed: [/src/base/z /src/web/y]")
		if n := w.launches("image:web:update"); n != 1 {
			t.Errorf("web was built %d times", n)
		}
	})
}

// A change that is reported after a live update has taken later ones isn't lost, and isn't taken for a run's own.
func TestLiveUpdateOfLateChanges(t *testing.T) {
	playLive(t, func(w *world) {
		for i := 1; i <= 2*ownDirRuns; i++ {
			seen := time.Now()
			time.Sleep(time.Millisecond)
			w.edit("/src/web/x")
			w.notice(model.Change{Path: "/src/web/y", Seen: seen, Modified: seen})
			synctest.Wait()
			w.live("a", strings.TrimSpace(fmt.Sprintf("%s web/x:%d", w.late(i), 2*i-1)), End{})
			w.live("a", fmt.Sprintf("web/x:%d web/y:%d", 2*i-1, 2*i), End{})
		}
		w.want("a=ok a:runtime=ready image:base=ok image:web=ok")
	})
}

// late is what the live update before brought last.
func (w *world) late(round int) string {
	if round == 1 {
		return ""
	}
	return fmt.Sprintf("web/y:%d", 2*round-2)
}

func TestLiveUpdateStopped(t *testing.T) {
	for path, why := range map[string]string{
		"/unsynced":      "Found file(s) not matching any sync (files: /unsynced)",
		"/src/base/stop": `Detected change to stop file "/src/base/stop"`,
	} {
		playLive(t, func(w *world) {
			w.edit("/src/web/x")
			w.live("a", "web/x:1", End{})
			w.edit(path)
			if path == "/src/base/stop" {
				w.build("base", "2")
			}
			w.want("a=building-component a:runtime=ready image:base=ok image:web=active")
			w.edit("/src/web/y")
			w.build("web", "2")
			w.deploy("a")
			// A change during the build follows when the container runs.
			w.want("a=reconciling a:runtime=ready image:base=ok image:web=ok")
			w.containers("a", LiveState{Phase: LiveReady})
			w.live("a", "web/y:2", End{})
			w.want("a=ok a:runtime=ready image:base=ok image:web=ok")
			log := fmt.Sprint(w.logs.Tail("a", 100))
			if want := `LiveUpdate "a" UpdateStopped: ` + why; !strings.Contains(log, want) {
				t.Errorf("no %q in %s", want, log)
			}
		})
	}
}

// Changes wait for the containers of a deploy that has just begun, and for those that start again.
func TestLiveUpdateWaits(t *testing.T) {
	playLive(t, func(w *world) {
		w.edit("/unsynced")
		w.build("web", "2")
		w.finish("a:update", End{Output: "2"})
		w.edit("/src/web/x")
		w.want("a=waiting-for-deploy a:runtime=active image:base=ok image:web=ok")
		w.containers("a", LiveState{Phase: LiveReady, Lacking: true})
		w.performance("a:runtime").runtime.Report(Report{Phase: Ready})
		w.live("a", "web/x:1", End{})
		w.containers("a", LiveState{Phase: LiveWaiting})
		w.want("a=ok a:runtime=ready image:base=ok image:web=ok")
		w.edit("/src/web/y")
		w.want("a=reconciling a:runtime=ready image:base=ok image:web=ok")
		w.containers("a", LiveState{Phase: LiveReady, Lacking: true})
		w.live("a", "web/x:1 web/y:2", End{})
		w.containers("a", LiveState{Phase: LiveReady})
		w.want("a=ok a:runtime=ready image:base=ok image:web=ok")
		w.containers("a", LiveState{Phase: LiveReady, Lacking: true})
		w.want("a=active a:runtime=ready image:base=ok image:web=ok")
		w.live("a", "web/x:1 web/y:2", End{})
	})
}

// What containers don't take leads to a build.
func TestLiveUpdateFails(t *testing.T) {
	crashed := LiveState{Phase: LiveFailed, Reason: "CrashLoopBackOff", Message: "it crashes"}
	for name, fail := range map[string]func(w *world){
		"before": func(w *world) {
			w.containers("a", crashed)
			w.edit("/src/web/x")
		},
		"absent": func(w *world) {
			w.containers("a", LiveState{Phase: LiveAbsent})
			w.edit("/src/web/x")
		},
		"during": func(w *world) {
			w.edit("/src/web/x")
			w.live("a", "web/x:1", End{Rebuild: "UpdateFailed: no tar"})
		},
		"after": func(w *world) {
			w.edit("/src/web/x")
			w.live("a", "web/x:1", End{})
			crashed := crashed
			crashed.Lacking = true
			w.containers("a", crashed)
		},
	} {
		t.Run(name, func(t *testing.T) {
			playLive(t, func(w *world) {
				fail(w)
				// Whether the deploy waits is known as soon as the image differs.
				if state := w.resource("a").Update; state.Hold != HoldBuildingImage && name != "before" && name != "absent" {
					t.Errorf("a waits for %q", state.Hold)
				}
				w.build("web", "2")
				w.deploy("a")
				w.containers("a", LiveState{Phase: LiveReady})
				w.want("a=ok a:runtime=ready image:base=ok image:web=ok")
				if n := w.launches("image:base:update"); n != 1 {
					t.Errorf("the base was built %d times", n)
				}
			})
		})
	}
}

// A command that fails in the container is the failure of the update. The next change tries all of it again.
func TestLiveUpdateCommandFails(t *testing.T) {
	playLive(t, func(w *world) {
		w.edit("/src/web/x")
		w.live("a", "web/x:1", End{Error: "make: exit code 2"})
		w.want("a=failed a:runtime=ready image:base=ok image:web=ok")
		if got, want := w.resource("a").Update.Last.Error, `Live update of "a" failed: make: exit code 2`; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		w.edit("/src/web/y")
		w.live("a", "web/x:1 web/y:2", End{})
		w.want("a=ok a:runtime=ready image:base=ok image:web=ok")
	})
}

func TestLiveUpdateTrigger(t *testing.T) {
	manual := func(r *model.Resource) { r.TriggerMode = model.TriggerManual }
	playLive(t, func(w *world) {
		w.edit("/src/web/x")
		w.want("a=pending-trigger a:runtime=ready image:base=ok image:web=ok")
		w.trigger("a")
		w.live("a", "web/x:1", End{})
		w.want("a=ok a:runtime=ready image:base=ok image:web=ok")
		w.edit("/src/web/y")
		w.trigger("a")
		w.live("a", "web/x:1 web/y:2", End{Rebuild: "UpdateFailed: no tar"})
		w.want("a=building-component a:runtime=ready image:base=ok image:web=active")
		w.build("web", "2")
		w.deploy("a")
		w.want("a=ok a:runtime=ready image:base=ok image:web=ok")
	}, manual)
	playLive(t, func(w *world) {
		w.edit("/src/web/x")
		w.live("a", "web/x:1", End{})
		w.trigger("a")
		w.want("a=building-component a:runtime=ready image:base=ok image:web=active")
		w.build("web", "2")
		w.deploy("a")
		w.want("a=ok a:runtime=ready image:base=ok image:web=ok")
	})
}

// A build ends the live update of the same files. If it fails, the containers keep what they have.
func TestLiveUpdateEndsForBuild(t *testing.T) {
	playLive(t, func(w *world) {
		w.edit("/src/web/x")
		live := w.performance("a:live")
		w.edit("/unsynced")
		<-live.done
		w.want("a=building-component a:runtime=ready image:base=ok image:web=active")
		w.finish("image:web:update", End{Error: "no space"})
		w.want("a=failed a:runtime=ready image:base=ok image:web=failed")
		w.containers("a", LiveState{Phase: LiveReady, Lacking: true})
		w.want("a=active a:runtime=ready image:base=ok image:web=failed")
		w.live("a", "web/x:1", End{})
		w.want("a=failed a:runtime=ready image:base=ok image:web=failed")
		// Another one crashes, which no build can mend.
		w.containers("a", LiveState{Phase: LiveFailed, Reason: "CrashLoopBackOff", Lacking: true})
		w.want("a=reconciling a:runtime=ready image:base=ok image:web=failed")
		if n := strings.Count(fmt.Sprint(w.logs.Tail("a", 100)), "image:web wasn't built"); n != 1 {
			t.Errorf("the log tells %d times that the image wasn't built", n)
		}
		w.edit("/src/web/y")
		w.build("web", "2")
		w.deploy("a")
		w.want("a=ok a:runtime=ready image:base=ok image:web=ok")
	})
}

// A build that makes the same image as before doesn't restart the containers, which have files of live updates.
func TestLiveUpdateOfSameImage(t *testing.T) {
	playLive(t, func(w *world) {
		w.edit("/src/web/x")
		w.live("a", "web/x:1", End{})
		w.edit("/unsynced")
		w.build("web", "1")
		w.deploy("a")
		w.containers("a", LiveState{Phase: LiveReady, Lacking: true})
		w.live("a", "", End{Rebuild: "UpdateFailed: no tar"})
		w.want("a=failed a:runtime=ready image:base=ok image:web=ok")
		if got, want := w.resource("a").Update.Last.Error, `Live update of "a" failed: UpdateFailed: no tar`; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// An image is built if any of its users can't do without.
func TestLiveUpdateOfSharedImage(t *testing.T) {
	project := projectWith([]model.Image{imageOf("web")}, workload("a", []string{"web"}, synced("web")),
		workload("b", []string{"web"}, synced("web")))
	play(t, project, func(w *world) {
		w.build("web", "1")
		w.deploy("a")
		w.deploy("b")
		w.containers("a", LiveState{Phase: LiveReady})
		w.containers("b", LiveState{Phase: LiveReady})
		w.edit("/src/web/x")
		w.live("a", "web/x:1", End{})
		w.live("b", "web/x:1", End{})
		w.trigger("b")
		w.build("web", "2")
		w.deploy("a")
		w.finish("b:update", End{Error: "quota"})
		w.containers("a", LiveState{Phase: LiveReady})
		w.edit("/src/web/x")
		w.want("a=building-component a:runtime=ready b=building-component b:runtime=ready image:web=active")
	})
}

// The files of k8s_custom_deploy are those of the resource itself.
func TestLiveUpdateOfCustomDeploy(t *testing.T) {
	own := func(r *model.Resource) {
		r.Deps = []string{"/src/own"}
		r.LiveUpdates = []model.LiveUpdate{{Container: "main", LiveSteps: model.LiveSteps{
			Syncs: []model.Sync{{Local: "/src/own/x", Remote: "/x"}},
		}}}
	}
	play(t, projectWith(nil, workload("a", nil, own)), func(w *world) {
		w.deploy("a")
		w.containers("a", LiveState{Phase: LiveReady})
		w.edit("/src/own/x")
		w.live("a", "own/x:1", End{})
		w.want("a=ok a:runtime=ready")
		w.edit("/src/own/y")
		w.want("a=active a:runtime=ready")
		w.deploy("a")
		w.want("a=ok a:runtime=ready")
		w.containers("a", LiveState{Phase: LiveReady})
		w.edit("/src/own/x")
		w.live("a", "own/x:2", End{Rebuild: "UpdateFailed: no tar"})
		w.want("a=active a:runtime=ready")
		w.deploy("a")
		w.want("a=ok a:runtime=ready")
	})
}
