// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/probe"
	"tilt.dev/session/pkg/process"
)

// Snapshots are consecutive, aren't changed after they were published, and share what hasn't changed.
func TestSnapshots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		project := projectOf(append(jobs(20, parallel), server("s", withProbe))...)
		w := newWorld(t, project)
		w.run(Config{})
		synctest.Wait()
		var published [][]byte
		remember := func() {
			synctest.Wait()
			for _, s := range w.snapshots[len(published):] {
				published = append(published, encode(t, s))
			}
		}
		for _, r := range project.Resources[:20] {
			remember()
			w.exit(r.Name+":update", 0)
		}
		before := w.engine.Snapshot()
		w.report("s", true, "fine")
		remember()
		w.stop()

		for i, s := range w.snapshots {
			if want := uint64(i + 2); s.Version != want {
				t.Errorf("version %d, want %d", s.Version, want)
			}
			if diff := cmp.Diff(string(published[i]), string(encode(t, s))); diff != "" {
				t.Errorf("version %d has changed since:\n%s", s.Version, diff)
			}
		}
		now := w.engine.Snapshot()
		if before.Resources[3].Update != now.Resources[3].Update {
			t.Error("an unchanged resource isn't shared")
		}
		if before.Resources[20].Runtime == now.Resources[20].Runtime {
			t.Error("a changed resource is shared")
		}
	})
}

func encode(t *testing.T, s *Snapshot) []byte {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Every change is published at once: a reader of each snapshot sees a job wait, run and end.
func TestEveryPhaseIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, projectOf(job("a"), server("s", after("a"))))
		w.run(Config{})
		w.exit("a:update", 0)
		w.want("a=ok s:serve=ready")
		w.stop()
		var shown []string
		for _, s := range w.snapshots {
			if text := show(s); len(shown) == 0 || shown[len(shown)-1] != text {
				shown = append(shown, text)
			}
		}
		want := []string{
			"tiltfile",
			"tiltfile a=tiltfile-reload s:serve=tiltfile-reload",
			"a=active s:serve=waiting-for-local",
			"a=ok s:serve=starting",
			"a=ok s:serve=ready",
		}
		if diff := cmp.Diff(want, shown); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
	})
}

// The loop receives everything that happens while it is busy in one batch. It publishes each phase all the same.
func TestEveryPhaseOfABatchIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, projectOf(server("s", withProbe), job("a", noInit)))
		busy := make(chan struct{})
		w.onChange = func(s *Snapshot) {
			if strings.HasPrefix(show(s), "s:serve=starting") {
				<-busy
			}
		}
		w.probeScript = func(ctx context.Context, _ string, report func(probe.Result)) {
			report(probe.Result{Ready: true, Output: "up"})
			report(probe.Result{Output: "down"})
			report(probe.Result{Ready: true, Output: "up"})
			<-ctx.Done()
		}
		w.script = func(target string, p *fakeProcess) {
			if target == "a:update" {
				p.end(process.Exit{Code: 1})
			}
		}
		w.run(Config{})
		synctest.Wait()
		go func() {
			if err := w.engine.Trigger(t.Context(), []string{"a"}); err != nil {
				t.Error(err)
			}
		}()
		close(busy)
		w.want("s:serve=ready a=failed")
		w.exit("s:serve", 1)
		w.want("s:serve=failed a=failed")
		w.wantShown("s:serve", "tiltfile-reload starting active ready active ready failed")
		w.wantShown("a", "inactive starting active failed")
		w.stop()
	})
}

func TestSelectionAndLabels(t *testing.T) {
	a, b := job("a"), server("b")
	a.Labels = []string{"x"}
	project := projectOf(a, b)
	project.Enabled = model.Selection{}
	play(t, project, func(w *world) {
		synctest.Wait()
		want := []ResourceState{
			{Name: "a", Disabled: true, Labels: []string{"x"}, Update: &UpdateState{Command: "a update"}},
			{Name: "b", Disabled: true, Runtime: &RuntimeState{Verb: "serve", Command: "b serve"}},
		}
		if diff := cmp.Diff(want, w.engine.Snapshot().Resources, plain()); diff != "" {
			t.Errorf("resources (-want +got):\n%s", diff)
		}
	})
}
