// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilt.dev/session/pkg/model"
)

// wantWaits compares the waits of all targets with a line such as "a=0:b,c", the second of Since and On.
func (w *world) wantWaits(want string) {
	w.t.Helper()
	synctest.Wait()
	s := w.engine.Snapshot()
	var words []string
	for _, r := range append(append([]ResourceState(nil), s.Resources...), s.Images...) {
		if u := r.Update; u != nil && u.Wait != nil {
			words = append(words, r.Name+"="+second(u.Wait.Since)+":"+strings.Join(u.Wait.On, ","))
		}
		if v := r.Runtime; v != nil && v.Wait != nil {
			words = append(words, r.Name+":"+v.Verb+"="+second(v.Wait.Since)+":"+strings.Join(v.Wait.On, ","))
		}
	}
	if diff := cmp.Diff(want, strings.Join(words, " ")); diff != "" {
		w.t.Errorf("waits (-want +got):\n%s", diff)
	}
}

func TestWaitForDependencies(t *testing.T) {
	play(t, projectOf(job("b", parallel), job("a", parallel), job("c", parallel, serving, after("b", "a", "b", "missing")),
		job("d", parallel, after("c"))), func(w *world) {
		w.want("b=active a=active c=waiting-for-dep c:serve=waiting-for-dep d=waiting-for-dep")
		w.wantWaits("c=0:a,b c:serve=0:a,b d=0:c")
		before := w.resource("d").Update
		w.pass(time.Second)
		w.exit("a:update", 0)
		w.wantWaits("c=0:b c:serve=0:b d=0:c")
		if before != w.resource("d").Update {
			t.Error("the state of a target that waits as before isn't shared")
		}
		w.exit("b:update", 0)
		w.wantWaits("c:serve=0:c d=0:c")
		w.exit("c:update", 1)
		w.want("b=ok a=ok c=failed c:serve=update-failed d=waiting-for-dep")
		w.wantWaits("c:serve=0:c d=0:c")
	})
}

// What depends on others waits for them also while it isn't its turn.
func TestWaitForTurnAndOthers(t *testing.T) {
	user := workload("u", []string{"web"})
	play(t, projectWith([]model.Image{imageOf("web")}, job("a"), job("b", after("a", "u")), user), func(w *world) {
		w.want("a=active b=waiting-for-local u=waiting-for-local u:runtime=waiting-for-local image:web=waiting-for-local")
		w.wantWaits("b=0:a,u u=0:image:web u:runtime=0:image:web image:web=0:")
	})
}

func TestWaitForTurnAndTiltfile(t *testing.T) {
	play(t, projectOf(job("a"), job("b"), job("m", noInit)), func(w *world) {
		w.want("a=active b=waiting-for-local m=inactive")
		w.wantWaits("b=0:")
		w.evaluate = make(chan struct{})
		w.pass(time.Second)
		w.trigger(model.TiltfileResource)
		w.want("a=active b=tiltfile-reload m=inactive")
		w.wantWaits("b=0:" + model.TiltfileResource)
		if u := w.resource("b").Update; second(u.Queued) != "0" || !u.Allowed.IsZero() {
			t.Errorf("b is queued since %s, allowed since %s", second(u.Queued), second(u.Allowed))
		}
		w.pass(time.Second)
		close(w.evaluate)
		w.wantWaits("b=0:")
		if u := w.resource("b").Update; second(u.Allowed) != "2" {
			t.Errorf("b is allowed since %s", second(u.Allowed))
		}
	})
}

// A change that waits for a trigger is pending and not queued.
func TestPendingChange(t *testing.T) {
	play(t, projectOf(job("a", on("/a"), manual)), func(w *world) {
		w.exit("a:update", 0)
		w.pass(time.Second)
		w.edit("/a/x")
		w.want("a=pending-trigger")
		w.wantWaits("a=1:")
		if u := w.resource("a").Update; second(u.Pending) != "1" || !u.Queued.IsZero() {
			t.Errorf("pending since %s, queued since %s", second(u.Pending), second(u.Queued))
		}
		w.pass(time.Second)
		w.trigger("a")
		w.wantBuilds(&History{Current: w.resource("a").Update.History.Current}, "2:trigger 2/2/2/- 1[/a/x]")
	})
}

func TestWaitForImages(t *testing.T) {
	made := job("made", parallel)
	user := workload("a", []string{"web", "api"}, after("made"))
	user.BuildDeps = []string{"made"}
	play(t, projectWith([]model.Image{imageOf("web"), imageOf("api")}, made, user), func(w *world) {
		w.want("made=active a=waiting-for-dep a:runtime=waiting-for-dep image:web=waiting-for-dep image:api=waiting-for-dep")
		w.wantWaits("a=0:made a:runtime=0:made image:web=0:made image:api=0:made")
		w.exit("made:update", 0)
		w.wantWaits("a=0:image:api,image:web a:runtime=0:a")
		w.pass(time.Second)
		w.build("web", "1")
		w.wantWaits("a=0:image:api a:runtime=0:a")
		w.build("api", "1")
		w.wantWaits("a:runtime=0:a")
		w.wantBuilds(w.resource("a").Update.History, "1:initial 0/1/1/-")
		w.wantBuilds(w.engine.Snapshot().Images[0].Update.History, "1:initial 0/0/0/1")
	})
}

// A target that waits for very many others names some.
func TestLongWait(t *testing.T) {
	resources := jobs(3*maxOn, noInit)
	var names []string
	for _, r := range resources {
		names = append(names, r.Name)
	}
	play(t, projectOf(append(resources, job("a", after(append(names, names...)...)))...), func(w *world) {
		w.trigger("j1")
		w.exit("j1:update", 0)
		on := w.resource("a").Update.Wait.On
		if len(on) != maxOn || on[0] != "j0" || on[1] != "j10" || on[2] != "j100" || on[maxOn-1] != "j99" {
			t.Errorf("waits for %v", on)
		}
	})
}

// An image waits only for what its users that need it now depend on.
func TestWaitOfSharedImage(t *testing.T) {
	made, other := job("made", parallel), job("other", parallel, noInit)
	user, idle := workload("a", []string{"web"}), workload("b", []string{"web"}, noInit)
	user.BuildDeps, idle.BuildDeps = []string{"made"}, []string{"other"}
	play(t, projectWith([]model.Image{imageOf("web")}, made, other, user, idle), func(w *world) {
		w.wantWaits("a=0:image:web a:runtime=0:a image:web=0:made")
		w.exit("made:update", 0)
		w.wantWaits("a=0:image:web a:runtime=0:a")
	})
}
