// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"context"
	"fmt"
	"math"
	"math/rand"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	testingclock "k8s.io/utils/clock/testing"
)

// collect reads to the end and returns the lines as "source:text", before which stands "+n " if n are missing.
func collect(ctx context.Context, s *Store, selection Selection) []string {
	var got []string
	for batch := range s.Read(ctx, selection) {
		for line, missed := range batch.Lines() {
			text := line.Source + ":" + line.Text
			if missed > 0 {
				text = fmt.Sprintf("+%d %s", missed, text)
			}
			got = append(got, text)
		}
	}
	return got
}

func TestSelections(t *testing.T) {
	clock := testingclock.NewFakeClock(epoch)
	s := New(1<<20, clock)
	s.Append("a", LevelInfo, "1\n2\n3")
	clock.Step(time.Minute)
	s.Append("b", LevelInfo, "x\ny")
	clock.Step(time.Minute)
	s.Append("a", LevelInfo, "4\n5")
	s.Append("c", LevelInfo, "z")
	last := func(n int64) *int64 { return &n }
	for _, test := range []struct {
		name      string
		selection Selection
		want      string
	}{
		{"all", Selection{}, "a:1 a:2 a:3 b:x b:y a:4 a:5 c:z"},
		{"of one", Selection{Sources: []string{"a"}}, "a:1 a:2 a:3 a:4 a:5"},
		{"of some", Selection{Sources: []string{"c", "b"}}, "b:x b:y c:z"},
		{"of an unknown source", Selection{Sources: []string{"d"}}, ""},
		{"since", Selection{Since: epoch.Add(time.Minute)}, "b:x b:y a:4 a:5 c:z"},
		{"since the future", Selection{Since: epoch.Add(time.Hour)}, ""},
		{"last", Selection{Tail: last(2)}, "a:5 c:z"},
		{"last in the middle of a block", Selection{Tail: last(4)}, "b:y a:4 a:5 c:z"},
		{"last of one", Selection{Sources: []string{"a"}, Tail: last(3)}, "a:3 a:4 a:5"},
		{"last of some since", Selection{Sources: []string{"a", "b"}, Since: epoch.Add(time.Minute), Tail: last(9)}, "b:x b:y a:4 a:5"},
		{"none", Selection{Tail: last(0)}, ""},
		{"more than there are", Selection{Tail: last(100)}, "a:1 a:2 a:3 b:x b:y a:4 a:5 c:z"},
	} {
		if got := strings.Join(collect(t.Context(), s, test.selection), " "); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	for batch := range s.Read(t.Context(), Selection{}) {
		first, second := 0, 0
		for range batch.Lines() {
			first++
		}
		for range batch.Lines() {
			second++
		}
		if first == 0 || first != second {
			t.Errorf("a batch has %d lines, and then %d", first, second)
		}
	}
}

// A read that doesn't wait omits what is written meanwhile.
func TestReadEndsWhereItBegan(t *testing.T) {
	s := newStore(1 << 20)
	s.Append("a", LevelInfo, "1")
	read := 0
	for batch := range s.Read(t.Context(), Selection{}) {
		for range batch.Lines() {
			read++
			s.Append("a", LevelInfo, "again")
		}
	}
	if read != 1 {
		t.Errorf("read %d lines", read)
	}
}

func TestReadEnds(t *testing.T) {
	ends := map[string]func(s *Store, until chan struct{}, cancel func()){
		"until":  func(_ *Store, until chan struct{}, _ func()) { close(until) },
		"close":  func(s *Store, _ chan struct{}, _ func()) { s.Close() },
		"cancel": func(_ *Store, _ chan struct{}, cancel func()) { cancel() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore(1 << 20)
				s.Append("b", LevelInfo, "before")
				s.Append("a", LevelInfo, "before")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				until := make(chan struct{})
				none := int64(0)
				var got []string
				done := make(chan struct{})
				go func() {
					defer close(done)
					got = collect(ctx, s, Selection{Sources: []string{"a"}, Tail: &none, Until: until})
				}()
				synctest.Wait()
				s.Append("a", LevelInfo, "1\n2")
				synctest.Wait()
				s.Append("b", LevelInfo, "x")
				s.Append("a", LevelInfo, "3")
				synctest.Wait()
				end(s, until, cancel)
				<-done
				s.Append("a", LevelInfo, "late")
				if want := []string{"a:1", "a:2", "a:3"}; !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
			})
		})
	}
}

// A reader receives everything that was stored before its end.
func TestReadUntilHasWhatIsThere(t *testing.T) {
	s := newStore(1 << 20)
	for i := range 3 * mostParts {
		s.Append("a", LevelInfo, strconv.Itoa(i))
	}
	until := make(chan struct{})
	close(until)
	if got := collect(t.Context(), s, Selection{Until: until}); len(got) != 3*mostParts {
		t.Errorf("read %d lines", len(got))
	}
}

// The lines that are read and the lines that are reported as missing are together all lines that a source has written
// since reading began.
func TestReadCountsWhatIsMissing(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewSource(seed))
	missing := false
	for range 300 {
		w := &numberer{Store: newStore(4 << 10), random: random, written: map[string]int{}}
		w.write(random.Intn(60))
		missing = checkMissing(t, w) || missing
	}
	if !missing {
		t.Error("nothing was ever missing, so that nothing was tested")
	}
}

// numberer writes lines that are numbered per source.
type numberer struct {
	*Store
	random  *rand.Rand
	written map[string]int
}

var numbered = []string{"a", "b", "c"}

func (w *numberer) write(blocks int) {
	for range blocks {
		w.writeTo(numbered[w.random.Intn(len(numbered))])
	}
}

func (w *numberer) writeTo(name string) {
	var text strings.Builder
	for range 1 + w.random.Intn(5) {
		w.written[name]++
		fmt.Fprintln(&text, w.written[name])
	}
	w.Append(name, LevelInfo, text.String())
}

// checkMissing reads some sources while they write, and reports whether lines were missing.
func checkMissing(t *testing.T, w *numberer) (missing bool) {
	t.Helper()
	until := make(chan struct{})
	selection := Selection{Sources: numbered[:w.random.Intn(len(numbered)+1)], Until: until}
	w.writeTo("a") // so that there's something to read in any case
	next := map[string]int{}
	for _, name := range numbered {
		next[name] = w.written[name] + 1
		if retained := w.Tail(name, math.MaxInt); len(retained) > 0 {
			next[name], _ = strconv.Atoi(retained[0].Text)
		}
	}
	rounds := 1 + w.random.Intn(5)
	for batch := range w.Read(t.Context(), selection) {
		for line, missed := range batch.Lines() {
			number, _ := strconv.Atoi(line.Text)
			if next[line.Source]+int(missed) != number {
				t.Fatalf("%s: %d comes where %d should, and %d are said to be missing", line.Source, number, next[line.Source], missed)
			}
			next[line.Source] = number + 1
			missing = missing || missed > 0
		}
		if rounds--; rounds >= 0 {
			w.write(w.random.Intn(200))
			w.writeTo("a")
		}
		if rounds == 0 {
			close(until)
		}
	}
	return missing
}
