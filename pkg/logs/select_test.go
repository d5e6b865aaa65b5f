// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"
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
	after := func(n uint64) *uint64 { return &n }
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
		{"after a line", Selection{After: after(4)}, "b:y a:4 a:5 c:z"},
		{"after none", Selection{After: after(0), Tail: last(1)}, "c:z"},
		{"after the last", Selection{After: after(8)}, ""},
		{"after a future one", Selection{After: after(99)}, ""},
		{"before a line", Selection{Before: 2}, "a:1"},
		{"before the first", Selection{Before: 1}, ""},
		{"before a future one", Selection{Before: 99, Limit: last(1)}, "c:z"},
		{"a page backwards", Selection{Before: 7, Limit: last(3)}, "b:x b:y a:4"},
		{"a page backwards of one", Selection{Before: 7, Limit: last(3), Sources: []string{"a"}}, "a:2 a:3 a:4"},
		{"the first page", Selection{Before: 3, Limit: last(3)}, "a:1 a:2"},
		{"a page forwards", Selection{After: after(1), Limit: last(3)}, "a:2 a:3 b:x"},
		{"a page forwards of one", Selection{After: after(1), Limit: last(3), Sources: []string{"a"}}, "a:2 a:3 a:4"},
		{"a range", Selection{After: after(1), Before: 5, Limit: last(9)}, "a:2 a:3 b:x"},
		{"an empty range", Selection{After: after(5), Before: 5, Tail: last(1)}, ""},
		{"matching", Selection{Grep: regexp.MustCompile("[2-4]|y")}, "a:2 a:3 b:y a:4"},
		{"the last matching", Selection{Grep: regexp.MustCompile("[1-4]"), Tail: last(3)}, "a:2 a:3 a:4"},
		{"matching, a page backwards", Selection{Grep: regexp.MustCompile("[1-4]"), Before: 6, Limit: last(2)}, "a:2 a:3"},
		{"matching, a page forwards", Selection{Grep: regexp.MustCompile("[1-4]"), After: after(1), Limit: last(3)}, "a:2 a:3 a:4"},
		{"matching nothing", Selection{Grep: regexp.MustCompile("9"), Tail: last(3)}, ""},
		{"of a level", Selection{Level: LevelWarn, Before: 9, Limit: last(3)}, ""},
		{"more than there are", Selection{Tail: last(100)}, "a:1 a:2 a:3 b:x b:y a:4 a:5 c:z"},
	} {
		if got := strings.Join(collect(t.Context(), s, test.selection), " "); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	s.Append("a", LevelError, "\x1b[1mbad\x1b[0m news\nworse")
	s.Append("b", LevelWarn, "hm")
	for want, selection := range map[string]Selection{
		"a:\x1b[1mbad\x1b[0m news a:worse b:hm": {Level: LevelWarn},
		"a:worse":                               {Level: LevelError, Tail: last(1)},
		"a:worse b:hm":                          {Level: LevelWarn, Before: 12, Limit: last(2)},
		"a:\x1b[1mbad\x1b[0m news":              {Grep: regexp.MustCompile("^bad n")},
	} {
		if got := strings.Join(collect(t.Context(), s, selection), " "); got != want {
			t.Errorf("%+v: %s, want %s", selection, got, want)
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

// A reader that continues after the last line that it has received has each line once, and knows of those that were
// dropped meanwhile. Of several sources it knows that by gaps in the sequence numbers.
func TestReadResumes(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewSource(seed))
	dropped := false
	for round := range 200 {
		w := &numberer{Store: newStore(4 << 10), random: random, written: map[string]int{}}
		sources := numbered[:1+round%len(numbered)]
		seen, last := map[string]int{}, uint64(0)
		before := map[string]uint64{}
		var received, missed int
		for range 20 {
			for range random.Intn(60) {
				w.writeTo(sources[random.Intn(len(sources))])
			}
			cut := 1 + random.Intn(30)
			selection := Selection{After: &last}
			if random.Intn(2) == 0 {
				limit := int64(cut)
				selection.Limit = &limit
			}
			for line, miss := range linesOf(w.Read(t.Context(), selection)) {
				number, _ := strconv.Atoi(line.Text)
				next := seen[line.Source] + 1
				if number < next || len(sources) == 1 && number != next+int(miss) || uint64(number-next) > line.Seq-before[line.Source]-1 {
					t.Fatalf("%s: %d comes after %d, and %d are said to be missing", line.Source, number, seen[line.Source], miss)
				}
				before[line.Source] = line.Seq
				seen[line.Source], last, missed = number, line.Seq, missed+int(miss)
				if received++; cut == 1 {
					break
				}
				cut--
			}
		}
		dropped = dropped || missed > 0
	}
	if !dropped {
		t.Error("nothing was ever dropped, so that nothing was tested")
	}
}

// linesOf yields the lines of all batches.
func linesOf(batches iter.Seq[Batch]) iter.Seq2[Line, uint64] {
	return func(yield func(Line, uint64) bool) {
		for batch := range batches {
			for line, missed := range batch.Lines() {
				if !yield(line, missed) {
					return
				}
			}
		}
	}
}

// Parts of a line are lines of their own for who continues after one of them.
func TestReadResumesWithinALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(1<<20, clock.RealClock{})
		w := s.Writer("a")
		for _, piece := range []string{"one", " two", " three\n"} {
			if _, err := w.Write([]byte(piece)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(quiet)
			synctest.Wait()
		}
		first := uint64(1)
		var got []string
		for line := range linesOf(s.Read(t.Context(), Selection{After: &first})) {
			got = append(got, fmt.Sprintf("%s %v %v", line.Text, line.Continues, line.Unfinished))
		}
		if want := []string{" two true true", " three true false"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		one := int64(1)
		for want, selection := range map[string]Selection{
			"[a: three]":              {Before: 4, Limit: &one},
			"[a:one a: two a: three]": {Tail: &one},
			"[a:one]":                 {Limit: &one},
		} {
			if got := fmt.Sprint(collect(t.Context(), s, selection)); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A reader of few lines knows what was dropped between them.
func TestMatchingLinesCarryWhatIsMissing(t *testing.T) {
	s := newStore(4 << 10)
	none := uint64(0)
	for i := range 1000 {
		s.Append("a", LevelInfo, strconv.Itoa(i))
	}
	got := collect(t.Context(), s, Selection{After: &none, Grep: regexp.MustCompile("999")})
	if len(got) != 1 || !strings.HasPrefix(got[0], "+9") {
		t.Errorf("got %v", got)
	}
}

// A search that takes long ends soon after its context, also while it looks for the last lines.
func TestSearchEndsWithItsContext(t *testing.T) {
	s := newStore(8 << 20)
	for range 1 << 10 {
		s.Append("a", LevelInfo, strings.Repeat("a", 1<<10))
	}
	few := int64(1)
	for _, selection := range []Selection{{}, {Tail: &few}} {
		selection.Grep = regexp.MustCompile(strings.Repeat(".{0,500}", 10) + "x")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		begin := time.Now()
		if got := collect(ctx, s, selection); len(got) > 0 || time.Since(begin) > 10*time.Second {
			t.Errorf("%d lines after %s", len(got), time.Since(begin))
		}
		cancel()
	}
}
