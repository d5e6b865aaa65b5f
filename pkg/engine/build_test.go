// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tilt.dev/session/pkg/model"
)

// plain leaves out definitions, builds, waits and the times of runtimes, which have tests of their own.
func plain() cmp.Option {
	return cmp.Options{
		cmpopts.IgnoreTypes(&model.Resource{}, &History{}, &Wait{}),
		cmpopts.IgnoreFields(RuntimeState{}, "Queued", "Allowed", "Start", "Ready"),
	}
}

// second is a time as about its seconds since the begin of a bubble, "-" for none.
func second(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return fmt.Sprint(t.Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).Round(100 * time.Millisecond).Seconds())
}

// describe is a history in words, newest first.
func describe(h *History) string {
	if h == nil {
		return "none"
	}
	var words []string
	for _, b := range append([]*Build{h.Current}, h.Ended...) {
		if b == nil {
			continue
		}
		text := fmt.Sprintf("%d:%s %s/%s/%s/%s", b.Number, b.Reason, second(b.Queued), second(b.Allowed), second(b.Start),
			second(b.Finish))
		if b.Live {
			text = "live " + text
		}
		if b.Attempt > 0 {
			text += fmt.Sprintf(" attempt %d", b.Attempt)
		}
		if b.Changed > 0 {
			text += fmt.Sprintf(" %d%v", b.Changed, b.Files)
		}
		if b.Error != "" {
			text += " " + b.Error
		}
		words = append(words, text)
	}
	return strings.Join(words, "; ")
}

func (w *world) wantBuilds(h *History, want string) {
	w.t.Helper()
	if diff := cmp.Diff(want, describe(h)); diff != "" {
		w.t.Errorf("builds (-want +got):\n%s", diff)
	}
}

func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestBuilds(t *testing.T) {
	a := job("a", on("/a"))
	a.Retries = 1
	play(t, projectOf(a, job("b", after("a"), serving)), func(w *world) {
		w.want("a=active b=waiting-for-local b:serve=waiting-for-local")
		w.pass(time.Second)
		w.exit("a:update", 1)
		w.wantBuilds(w.resource("a").Update.History, `1:initial 0/0/0/1 Command "a update" failed: exit status 1`)
		w.pass(time.Second)
		w.pass(time.Second)
		w.exit("a:update", 0)
		w.wantBuilds(w.resource("a").Update.History, `2:retry 1.5/1.5/1.5/3 attempt 1; `+
			`1:initial 0/0/0/1 Command "a update" failed: exit status 1`)
		w.wantBuilds(w.resource("b").Update.History, "1:initial 0/3/3/-")
		w.pass(time.Second)
		w.edit("/a/x", "/a/y")
		w.pass(time.Second)
		if u := w.resource("a").Update; second(u.Pending)+second(u.Queued)+second(u.Allowed) != "444" {
			t.Errorf("a is due since %s, %s, %s", second(u.Pending), second(u.Queued), second(u.Allowed))
		}
		w.exit("b:update", 0)
		w.wantBuilds(&History{Current: w.resource("a").Update.History.Current}, "3:files 4/4/5/- 2[/a/x /a/y]")
		w.wantBuilds(w.resource("b").Update.History, "1:initial 0/3/3/5")
		if s := w.resource("b").Runtime; second(s.Queued)+second(s.Allowed)+second(s.Start)+second(s.Ready) != "0555" {
			t.Errorf("times of the server: %+v", s)
		}
		if u := w.resource("a").Update; !u.Pending.IsZero() || !u.Queued.IsZero() || !u.Allowed.IsZero() {
			t.Errorf("a is due while it runs: %+v", u)
		}
		w.trigger(model.TiltfileResource)
		synctest.Wait()
		w.wantBuilds(w.engine.Snapshot().Tiltfile.History, "2:trigger 5/5/5/5; 1:initial 0/0/0/0")
		_, err := w.engine.Disable(w.t.Context(), Selector{Names: []string{"a"}})
		w.do(err)
		w.wantBuilds(&History{Ended: w.resource("a").Update.History.Ended[:1]}, "3:files 4/4/5/5 2[/a/x /a/y] canceled")
	})
}

// The lines of a build are those of the log from its header to its end.
func TestLinesOfBuilds(t *testing.T) {
	play(t, projectOf(job("a"), job("b")), func(w *world) {
		w.exit("a:update", 1)
		w.exit("b:update", 0)
		for _, name := range []string{"a", "b"} {
			b := w.resource(name).Update.History.Ended[0]
			var lines []string
			for _, line := range w.logs.Tail(name, 100) {
				if line.Seq >= b.FirstLine && line.Seq < b.EndLine {
					lines = append(lines, line.Text)
				}
			}
			want := []string{"", "Initial Build", "Running cmd: " + name + " update"}
			if name == "a" {
				want = append(want, `Build Failed: Command "a update" failed: exit status 1`)
			}
			if !slices.Equal(lines, want) {
				t.Errorf("lines %q, want %q", lines, want)
			}
		}
	})
}

// Only the last builds are kept, and no published history changes.
func TestBuildsAreBounded(t *testing.T) {
	play(t, projectOf(job("a")), func(w *world) {
		w.exit("a:update", 0)
		first := w.resource("a").Update.History
		for range maxBuilds + 5 {
			w.trigger("a")
			w.exit("a:update", 0)
		}
		h := w.resource("a").Update.History
		if len(h.Ended) != maxBuilds || h.Ended[0].Number != maxBuilds+6 || h.Ended[maxBuilds-1].Number != 7 {
			t.Errorf("%d builds from %d to %d", len(h.Ended), h.Ended[maxBuilds-1].Number, h.Ended[0].Number)
		}
		w.wantBuilds(first, "1:initial 0/0/0/0")
		b := Build{}
		b.changedBy(append(strings.Fields(strings.Repeat("y x ", 50)), strings.Split("abcdefghijklmnopqrstuvw", "")...))
		if b.Changed != 25 || len(b.Files) != maxBuildFiles || b.Files[0] != "a" {
			t.Errorf("%d files: %v", b.Changed, b.Files)
		}
	})
}

func TestBuildReason(t *testing.T) {
	at := time.Unix(1, 0)
	for _, test := range []struct {
		wants wants
		files bool
		want  BuildReason
	}{
		{wants{retry: true, initial: true}, true, BuildRetry},
		{wants{initial: true, trigger: 1}, true, BuildInitial},
		{wants{trigger: 1, redefined: at}, true, BuildTrigger},
		{wants{trigger: 1, follows: true}, false, BuildDependency},
		{wants{redefined: at}, true, BuildFiles},
		{wants{live: at}, true, BuildFiles},
		{wants{rebuilt: at}, false, BuildDependency},
		{wants{rebuilt: at, redefined: at}, false, BuildConfig},
	} {
		if got := test.wants.buildReason(test.files); got != test.want {
			t.Errorf("%+v: %s, want %s", test.wants, got, test.want)
		}
	}
}

// checkBuilds checks what is true of the builds and waits of every task in every snapshot.
func checkBuilds(t *testing.T, s *Snapshot) {
	t.Helper()
	for _, r := range slices.Concat(s.Resources, s.Images) {
		if v := r.Runtime; v != nil && (v.Wait == nil) != (v.Hold == HoldNone) {
			t.Errorf("version %d: runtime of %s has hold %q and wait %+v", s.Version, r.Name, v.Hold, v.Wait)
		}
		u := r.Update
		if u == nil {
			continue
		}
		h := u.History
		if h == nil {
			h = &History{}
		}
		running := !u.Running.IsZero()
		if running != (h.Current != nil) || running && !h.Current.Start.Equal(u.Running) {
			t.Errorf("version %d: %s runs since %s with builds %s", s.Version, r.Name, second(u.Running), describe(h))
		}
		if (u.Wait == nil) != (u.Hold == HoldNone || running) {
			t.Errorf("version %d: %s has hold %q and wait %+v", s.Version, r.Name, u.Hold, u.Wait)
		}
		if u.Last != nil && len(h.Ended) == 0 {
			t.Errorf("version %d: %s ended without a build", s.Version, r.Name)
		}
		for _, b := range h.Ended {
			if b.Queued.After(b.Allowed) || b.Allowed.After(b.Start) || b.Start.After(b.Finish) || b.EndLine < b.FirstLine {
				t.Errorf("version %d: %s: times are out of order: %s", s.Version, r.Name, describe(h))
			}
		}
	}
}

func TestLiveBuilds(t *testing.T) {
	playLive(t, func(w *world) {
		w.pass(time.Second)
		w.edit("/src/web/x")
		w.pass(time.Second)
		w.edit("/unsynced")
		w.want("a=building-component a:runtime=ready image:base=ok image:web=active")
		w.build("web", "2")
		w.deploy("a")
		w.wantBuilds(w.resource("a").Update.History, "3:dependency 2/2/2/2; live 2:files 1/1/1/2 1[/src/web/x] canceled; "+
			"1:initial 0/0/0/0")
		w.wantBuilds(w.engine.Snapshot().Images[1].Update.History, "2:files 2/2/2/2 1[/unsynced]; 1:initial 0/0/0/0")
	})
}
