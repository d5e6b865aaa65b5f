// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/model"
)

func TestBatch(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	var b batch
	if !b.empty() {
		t.Error("a new batch isn't empty")
	}
	for range 2 {
		b.add(at(0), model.Change{Path: "/b", Seen: at(1), Modified: at(0)})
		if due := b.due(); !due.Equal(at(quiet)) {
			t.Errorf("due at %v", due)
		}
		b.add(at(quiet/2), model.Change{Path: "/a", Seen: at(2)})
		b.add(at(longest-quiet), model.Change{Path: "/b", Seen: at(4), Modified: at(3)})
		if due := b.due(); !due.Equal(at(longest)) {
			t.Errorf("due at %v", due)
		}
		b.add(at(longest-1), model.Change{Path: "/c"})
		if due := b.due(); !due.Equal(at(longest)) {
			t.Errorf("due at %v", due)
		}
		want := []model.Change{{Path: "/a", Seen: at(2)}, {Path: "/b", Seen: at(4), Modified: at(3)}, {Path: "/c"}}
		if diff := cmp.Diff(want, b.take()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if !b.empty() {
			t.Error("a batch that was taken isn't empty")
		}
	}
}

func TestMadeAt(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		name        string
		stamp       time.Time
		floor, want time.Time
	}{
		{"a moment ago", now.Add(-time.Second), time.Time{}, now.Add(-time.Second)},
		{"now", now, time.Time{}, now},
		{"in the future", now.Add(time.Second), time.Time{}, now},
		{"long ago", now.Add(-time.Hour), time.Time{}, now},
		{"long ago, moved a moment ago", now.Add(-time.Hour), now.Add(-time.Second), now.Add(-time.Second)},
		{"after it was moved", now.Add(-time.Second), now.Add(-time.Minute), now.Add(-time.Second)},
		{"never", time.Unix(0, 0), time.Time{}, now},
	} {
		if got := madeAt(test.stamp.UnixNano(), test.floor, now); !got.Equal(test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// Batches are reported when it has been quiet, or at the latest when the first change has waited long enough.
func TestCoalescing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The test plays the reports of the system, which come from outside of the bubble.
		clock := clock.RealClock{}
		run := &watch{watcher: &Watcher{clock: clock, done: make(chan struct{})}}
		run.inbox = &inbox{filled: make(chan struct{}, 1), notices: map[address]notice{}}
		r := &root{watch: run, path: "/p", way: way{names: map[string]struct{}{"/p": {}}, target: "/p"}}
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		var reports []time.Duration
		ended := make(chan error)
		go func() {
			ended <- run.loop(ctx, func(changes []model.Change) {
				if len(changes) != 1 {
					t.Errorf("got %v", changes)
				}
				reports = append(reports, time.Since(began))
			})
		}()
		change := func() { r.inbox.put(r, notice{path: "/p", seen: time.Now()}) }
		change()
		time.Sleep(quiet - 1)
		change()
		time.Sleep(2 * quiet)
		for time.Since(began) < longest+5*quiet {
			change()
			time.Sleep(quiet / 2)
		}
		time.Sleep(time.Hour)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		second := 3*quiet - 1
		if want := []time.Duration{2*quiet - 1, second + longest, second + longest + 3*quiet}; !slices.Equal(reports, want) {
			t.Errorf("reported after %v, want %v", reports, want)
		}
	})
}

func TestTimes(t *testing.T) {
	p := newPlaceWith(t, clock.RealClock{})
	p.write("d/a", "d/gone", "d/old", "d/sub/b")
	long := time.Now().Add(-time.Hour)
	p.check(os.Chtimes(p.path("d/old"), long, long))
	s := p.watch([]string{"d"})
	before := time.Unix(0, fileNow()) // A file system's clock is late.
	p.write("d/a")
	p.remove("d/gone")
	p.rename("d/old", "d/older")
	p.check(os.Chtimes(p.path("d/sub/b"), long, long))
	p.rename("d/sub", "d/moved")
	p.nextTick()
	after := time.Now()
	s.sync()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range slices.Concat(s.batches[1:]...) {
		if c.Modified.Before(before) || c.Modified.After(after) && c.Path != p.path(".sync") || c.Seen.Before(c.Modified) {
			t.Errorf("%s was modified at %v, not from %v to %v, and seen at %v", c.Path, c.Modified, before, after, c.Seen)
		}
	}
}
