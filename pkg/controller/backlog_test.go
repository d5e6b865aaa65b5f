// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"
	"testing"
	"time"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/session"
)

// moment is a snapshot with one job for each character: "-" isn't wanted yet,
// "w" waits, "a" executes, "s" has succeeded, "f" has failed.
func moment(jobs string) *engine.Snapshot {
	snap := &engine.Snapshot{Tiltfile: engine.TiltfileState{Last: &engine.Exit{}}}
	for i, state := range jobs {
		update := &engine.UpdateState{}
		switch state {
		case 'w':
			update.Hold = engine.HoldWaitingForSlot
		case 'a':
			update.Running = time.Unix(1, 0)
		case 's':
			update.Last = &engine.Exit{}
		case 'f':
			update.Last = &engine.Exit{Error: "failed"}
		}
		snap.Resources = append(snap.Resources, engine.ResourceState{Name: string(rune('A' + i)), Update: update})
	}
	return snap
}

// letters is what moment made snap from.
func letters(snap *engine.Snapshot) string {
	var s []byte
	for _, phase := range session.Phases(snap)[1:] {
		switch phase {
		case session.PhaseInactive:
			s = append(s, '-')
		case session.PhaseWaiting:
			s = append(s, 'w')
		case session.PhaseActive:
			s = append(s, 'a')
		case session.PhaseSucceeded:
			s = append(s, 's')
		case session.PhaseFailed:
			s = append(s, 'f')
		}
	}
	return string(s)
}

func TestBacklogMerges(t *testing.T) {
	for name, tc := range map[string]struct{ push, want []string }{
		"nothing": {nil, nil},
		"one":     {[]string{"w"}, []string{"w"}},
		"the first one isn't replaced, it may be on its way": {
			[]string{"w", "w"}, []string{"w", "w"},
		},
		"repetitions": {
			[]string{"w", "a", "a", "a"}, []string{"w", "a"},
		},
		"a short execution stays": {
			[]string{"w", "a", "s"}, []string{"w", "a", "s"},
		},
		"independent changes become one": {
			[]string{"www", "aww", "aaw", "aaa"}, []string{"www", "aaa"},
		},
		"a chain shows each execution once": {
			[]string{"aww", "sww", "saw", "ssw", "ssa", "sss"}, []string{"aww", "saw", "ssa", "sss"},
		},
		"an execution between two results stays": {
			[]string{"s", "a", "s", "a", "f"}, []string{"s", "a", "s", "a", "f"},
		},
		"another set of resources stays": {
			[]string{"w", "ww", "www"}, []string{"w", "ww", "www"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b backlog
			for _, m := range tc.push {
				b.push(moment(m))
			}
			if got := drain(&b); !slices.Equal(got, tc.want) {
				t.Errorf("published %v, want %v", got, tc.want)
			}
		})
	}
}

// drain publishes all that's pending.
func drain(b *backlog) []string {
	var got []string
	for snap := b.head(); snap != nil; snap = b.head() {
		got = append(got, letters(snap))
		if !b.done() {
			break
		}
	}
	return got
}

func TestBacklogKeepsTheHeadUntilDone(t *testing.T) {
	var b backlog
	for _, m := range []string{"w", "a", "s"} {
		b.push(moment(m))
	}
	for range 3 {
		if got := letters(b.head()); got != "w" {
			t.Fatalf("head is %s, want w", got)
		}
	}
	if !b.done() {
		t.Error("nothing is pending")
	}
	if got := letters(b.head()); got != "a" {
		t.Errorf("head is %s, want a", got)
	}
	if !b.done() || letters(b.head()) != "s" || b.done() || letters(b.head()) != "s" {
		t.Error("the last one isn't s, or doesn't stay")
	}
}

func TestFullBacklogDropsAllButTheNewest(t *testing.T) {
	var b backlog
	for i := range maxPending + 2 {
		b.push(moment(string("aw"[i%2])))
		if len(b.items) > maxPending+1 {
			t.Fatalf("%d are pending", len(b.items)-1)
		}
	}
	if got := drain(&b); !slices.Equal(got, []string{"a", "w"}) {
		t.Errorf("published %v", got)
	}
}

// crowd is a snapshot of so many resources that not all of it is published.
func crowd(jobs string) *engine.Snapshot {
	snap := moment(jobs)
	for len(snap.Resources) <= manyResources {
		snap.Resources = append(snap.Resources, engine.ResourceState{Name: "more"})
	}
	return snap
}

func TestBacklogOfManyResources(t *testing.T) {
	var b backlog
	for _, m := range []string{"w", "a"} {
		b.push(moment(m))
	}
	for i := range 50 {
		b.push(crowd(string("was"[i%3])))
		if len(b.items) > 3 {
			t.Fatalf("%d are pending", len(b.items)-1)
		}
	}
	var got []string
	for range 3 {
		got = append(got, letters(b.head())[:1])
		b.done()
	}
	if want := []string{"w", "a", "a"}; !slices.Equal(got, want) {
		t.Errorf("published %v, want %v", got, want)
	}

	// One that couldn't be written is given up for a newer one.
	b.push(crowd("s"))
	b.head()
	b.push(crowd("f"))
	if got := letters(b.head())[:1]; got != "f" {
		t.Errorf("head is %s, want f", got)
	}
	b.done()
	b.push(moment("s"))
	if got := letters(b.head()); got != "s" {
		t.Errorf("head is %s, want s", got)
	}
}

// FuzzBacklog lets a writer that keeps up publish what jobs go through, and
// checks that each phase of each job was seen, in order.
func FuzzBacklog(f *testing.F) {
	f.Add([]byte("some jobs and a writer"))
	f.Add([]byte{0, 1, 2, 3, 0, 1, 2, 3, 9, 9, 9, 9, 4, 8, 12, 200, 201, 202, 17})
	f.Fuzz(func(t *testing.T, data []byte) {
		const jobs = 3
		var (
			b    backlog
			now  = []byte("www")
			want = [jobs][]byte{{'w'}, {'w'}, {'w'}}
			got  [jobs][]byte
		)
		publish := func() {
			snap := letters(b.head())
			for i := range jobs {
				if n := len(got[i]); n == 0 || got[i][n-1] != snap[i] {
					got[i] = append(got[i], snap[i])
				}
			}
		}
		b.push(moment(string(now)))
		for _, x := range data {
			if x >= 128 || len(b.items) > maxPending {
				publish()
				b.done()
				continue
			}
			i, next := int(x)%jobs, "was-f"[int(x)/jobs%5]
			if now[i] != next {
				now[i] = next
				want[i] = append(want[i], next)
			}
			b.push(moment(string(now)))
		}
		for publish(); b.done(); {
			publish()
		}
		for i := range jobs {
			if string(got[i]) != string(want[i]) {
				t.Errorf("job %d went through %s, published %s", i, want[i], got[i])
			}
		}
	})
}
