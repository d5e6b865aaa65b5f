// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/compose/dockerapi"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
)

// watching runs a watcher of a fake engine in a bubble of time.
func watching(t *testing.T, f *fakeEngine, story func(t *testing.T, w *watcher)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWatcher(f.serve(t), "p")
		var running sync.WaitGroup
		running.Go(func() { w.run(t.Context()) })
		t.Cleanup(running.Wait)
		synctest.Wait()
		story(t, w)
	})
}

func status(w *watcher) string {
	var words []string
	for _, c := range w.view("web").containers {
		words = append(words, c.State.Status)
	}
	return strings.Join(words, " ")
}

// TestWatch has what an engine does when it doesn't work as it should.
func TestWatch(t *testing.T) {
	running, exited := func() *dockerapi.Container { return aContainer("a", "running") }, aContainer("a", "exited")
	t.Run("events", func(t *testing.T) {
		f := newFakeEngine(running())
		watching(t, f, func(t *testing.T, w *watcher) {
			if got := status(w); got != "running" {
				t.Fatalf("status %q", got)
			}
			f.set(exited, true)
			synctest.Wait()
			if got := status(w); got != "exited" {
				t.Errorf("status %q", got)
			}
			if got := f.count("json"); got != 3 {
				t.Errorf("%d calls for one container and one event", got)
			}
		})
	})
	t.Run("a stream that is cut", func(t *testing.T) {
		f := newFakeEngine(running())
		watching(t, f, func(t *testing.T, w *watcher) {
			f.set(exited, false)
			f.cut()
			synctest.Wait()
			if got := w.view("web").away; !strings.Contains(got, "docker engine not reachable since") {
				t.Errorf("away: %q", got)
			}
			if got := status(w); got != "running" {
				t.Errorf("status %q", got)
			}
			time.Sleep(firstPause)
			synctest.Wait()
			if got := status(w); got != "exited" || w.view("web").away != "" {
				t.Errorf("status %q, away %q", got, w.view("web").away)
			}
		})
	})
	t.Run("a malformed event", func(t *testing.T) {
		f := newFakeEngine(running())
		watching(t, f, func(t *testing.T, w *watcher) {
			f.set(exited, false)
			f.say("no JSON")
			time.Sleep(time.Second)
			synctest.Wait()
			if got := status(w); got != "exited" || w.view("web").away != "" {
				t.Errorf("status %q, away %q", got, w.view("web").away)
			}
		})
	})
	t.Run("an engine that hangs", func(t *testing.T) {
		f := newFakeEngine(running())
		watching(t, f, func(t *testing.T, w *watcher) {
			f.setFault(f.hang)
			time.Sleep(pulse + answerTime)
			synctest.Wait()
			if got := w.view("web").away; !strings.Contains(got, "deadline exceeded") {
				t.Errorf("away: %q", got)
			}
			f.set(exited, false)
			f.setFault(nil)
			f.cut()
			time.Sleep(answerTime + longestPause)
			synctest.Wait()
			if got := status(w); got != "exited" || w.view("web").away != "" {
				t.Errorf("status %q, away %q", got, w.view("web").away)
			}
		})
	})
	t.Run("errors", func(t *testing.T) {
		f := newFakeEngine(running())
		f.setFault(func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/a/json") {
				http.Error(w, `{"message": "the disk is full"}`, http.StatusInternalServerError)
				return true
			}
			return false
		})
		watching(t, f, func(t *testing.T, w *watcher) {
			time.Sleep(time.Minute)
			if got := w.view("web").away; !strings.HasSuffix(got, "the disk is full") {
				t.Errorf("away: %q", got)
			}
			if got := f.count("events"); got > 20 {
				t.Errorf("%d attempts in a minute", got)
			}
			f.setFault(nil)
			time.Sleep(longestPause)
			synctest.Wait()
			if got := status(w); got != "running" {
				t.Errorf("status %q", got)
			}
		})
	})
	t.Run("a probe without an event", func(t *testing.T) {
		sick := running()
		sick.State.Health = &dockerapi.Health{Status: dockerapi.HealthStarting}
		f := newFakeEngine(sick)
		watching(t, f, func(t *testing.T, w *watcher) {
			worse := running()
			worse.State.Health = &dockerapi.Health{Status: dockerapi.HealthStarting, FailingStreak: 1}
			f.set(worse, false)
			time.Sleep(checkup)
			synctest.Wait()
			if got := w.view("web").containers[0].State.Health.FailingStreak; got != 1 {
				t.Errorf("streak %d", got)
			}
		})
	})
}

// TestFollowerWithoutLog: a container whose log can't be read says why, once, and its end isn't held back.
func TestFollowerWithoutLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeEngine()
		const reason = "configured logging driver does not support reading"
		f.setFault(func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, `{"message": "`+reason+`"}`, http.StatusNotImplemented)
			return true
		})
		store := logs.New(1<<20, clock.RealClock{})
		c := aContainer("a", "running")
		drained := 0
		follower := newFollower(f.serve(t), engine.NewLog(store, "web"), c, time.Time{}, "", func() { drained++ })
		var running sync.WaitGroup
		running.Go(func() { follower.run(t.Context()) })
		t.Cleanup(running.Wait)
		time.Sleep(time.Minute)
		ended := aContainer("a", "exited")
		ended.State.FinishedAt = time.Now()
		follower.set(ended)
		time.Sleep(longestPause)
		synctest.Wait()
		if follower.behind() || drained != 1 {
			t.Errorf("drained %d times", drained)
		}
		tail := store.Tail("web", 10)
		if len(tail) != 1 || !strings.HasSuffix(tail[0].Text, reason) {
			t.Errorf("logged %v", tail)
		}
	})
}
