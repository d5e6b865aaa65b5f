// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newStore(limit int) *Store { return New(limit, testingclock.NewFakeClock(epoch)) }

// texts returns the last n lines of a source.
func texts(s *Store, source string, n int) []string {
	var texts []string
	for _, line := range s.Tail(source, n) {
		texts = append(texts, line.Text)
	}
	return texts
}

func TestAppend(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{"", []string{""}},
		{"a", []string{"a"}},
		{"a\n", []string{"a"}},
		{"a\nb", []string{"a", "b"}},
		{"a\r\nb\r\n", []string{"a", "b"}},
		{"\n\n", []string{"", ""}},
		{"a\n\nb", []string{"a", "", "b"}},
		{"1%\r2%\r3%\n", []string{"1%\r2%\r3%"}},
		{"\x1b[31mred\x1b[0m \x00 \xff", []string{"\x1b[31mred\x1b[0m \x00 \xff"}},
	} {
		s := newStore(1 << 20)
		s.Append("x", LevelWarn, test.text)
		if got := texts(s, "x", 10); !slices.Equal(got, test.want) {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}

func TestTail(t *testing.T) {
	s := newStore(1 << 20)
	s.Append("a", LevelInfo, "1\n2\n3")
	s.Append("b", LevelError, "x")
	s.Append("a", LevelError, "4\n5")
	want := []Line{
		{Seq: 3, Time: epoch, Source: "a", Level: LevelInfo, Own: true, Text: "3"},
		{Seq: 5, Time: epoch, Source: "a", Level: LevelError, Text: "4"},
		{Seq: 6, Time: epoch, Source: "a", Level: LevelError, Continued: true, Text: "5"},
	}
	if got := s.Tail("a", 3); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for n, want := range map[int]int{-1: 0, 0: 0, 1: 1, 5: 5, 6: 5} {
		if got := len(s.Tail("a", n)); got != want {
			t.Errorf("Tail(%d) has %d lines, want %d", n, got, want)
		}
	}
	if got := s.Tail("unknown", 5); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestWriter(t *testing.T) {
	s := newStore(1 << 20)
	w := s.Writer("x")
	for _, piece := range []string{"a", "b\r", "\nc\n", "", "d\r\n\r", "\npart"} {
		if n, err := w.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Errorf("Write(%q) = %d, %v", piece, n, err)
		}
	}
	if got, want := texts(s, "x", 10), []string{"ab", "c", "d", ""}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if got, want := texts(s, "x", 1), []string{"part"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLongLines(t *testing.T) {
	full := strings.Repeat("x", MaxLine)
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"fits":             {full + "\n", []string{full}},
		"fits with CRLF":   {full + "\r\n", []string{full}},
		"one more":         {full + "y\n", []string{full, "y"}},
		"three":            {full + full + "y\nz\n", []string{full, full, "y", "z"}},
		"not ended":        {full + full, []string{full, full}},
		"between runes":    {full[:MaxLine-1] + "é\n", []string{full[:MaxLine-1], "é"}},
		"no runes":         {strings.Repeat("\x80", MaxLine+1) + "\n", []string{strings.Repeat("\x80", MaxLine), "\x80"}},
		"carriage returns": {full + "\r\r\n", []string{full, "\r"}},
	} {
		s := newStore(1 << 20)
		s.Append("x", LevelInfo, test.text)
		if got := texts(s, "x", 10); !slices.Equal(got, test.want) {
			t.Errorf("%s: got lines of %v bytes", name, lengths(got))
		}
	}
}

func lengths(texts []string) (n []int) {
	for _, text := range texts {
		n = append(n, len(text))
	}
	return n
}

// The store stays within its limit, a source that floods it loses its own oldest lines, and the others keep theirs.
func TestLimit(t *testing.T) {
	const limit = 100_000
	s := newStore(limit)
	s.Append("quiet", LevelInfo, "first\nsecond")
	for i := range 10_000 {
		s.Append("loud", LevelInfo, fmt.Sprintf("line %d of many", i))
		if s.size > limit {
			t.Fatalf("size %d after %d lines", s.size, i)
		}
	}
	if got, want := texts(s, "quiet", 10), []string{"first", "second"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	loud := texts(s, "loud", 10_000)
	if n := len(loud); n < 100 || n > 1000 || loud[n-1] != "line 9999 of many" {
		t.Errorf("%d lines left, the last is %q", n, loud[n-1])
	}
	if entries := len(s.blocks); entries > 3*len(loud) {
		t.Errorf("%d entries for %d lines", entries, len(loud))
	}
}

// The lines that were written last are kept even if they alone are too much.
func TestLimitBelowOneBlock(t *testing.T) {
	s := newStore(10)
	for range 3 {
		s.Append("a", LevelInfo, "0123456789\nabcdefghij")
		s.Append("b", LevelInfo, "klmnopqrst")
		if got := texts(s, "b", 5); !slices.Equal(got, []string{"klmnopqrst"}) {
			t.Errorf("got %q", got)
		}
		if got := texts(s, "a", 5); len(got) != 0 {
			t.Errorf("got %q", got)
		}
	}
}

func TestManySourcesShareTheLimit(t *testing.T) {
	const sources = 50
	s := newStore(200_000)
	for i := range 20_000 {
		s.Append(fmt.Sprint(i%sources), LevelInfo, "a line of one of the sources")
	}
	for i := range sources {
		if n := len(s.Tail(fmt.Sprint(i), 1000)); n < 10 {
			t.Errorf("source %d has %d lines left", i, n)
		}
	}
}

// follow yields all lines, those that are there and those that come.
func follow(ctx context.Context, s *Store) iter.Seq2[Line, uint64] {
	return func(yield func(Line, uint64) bool) {
		for batch := range s.Read(ctx, Selection{Until: make(chan struct{})}) {
			for line, missed := range batch.Lines() {
				if !yield(line, missed) {
					return
				}
			}
		}
	}
}

func TestFollow(t *testing.T) {
	s := newStore(1 << 20)
	s.Append("a", LevelInfo, "1\n2\n3")
	var got []string
	for line, missed := range follow(t.Context(), s) {
		if missed != 0 {
			t.Errorf("missed %d before %q", missed, line.Text)
		}
		got = append(got, line.Text)
		switch line.Text {
		case "3":
			s.Append("b", LevelInfo, "4")
		case "4":
			s.Append("a", LevelInfo, "5\n6")
			s.Close()
		}
	}
	if want := []string{"1", "2", "3", "4", "5", "6"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFollowTellsWhatIsMissing(t *testing.T) {
	s := newStore(10_000)
	s.Append("a", LevelInfo, "first")
	var seen, missing uint64
	last := uint64(0)
	for line, missed := range follow(t.Context(), s) {
		if line.Seq != last+missed+1 {
			t.Fatalf("line %d after %d with %d missing", line.Seq, last, missed)
		}
		last = line.Seq
		seen++
		missing += missed
		if line.Seq == 1 {
			for range 1000 {
				s.Append("b", LevelInfo, "a line\nanother")
			}
			s.Close()
		}
	}
	if seen+missing != 2001 || missing == 0 || seen < 100 {
		t.Errorf("saw %d lines, missed %d", seen, missing)
	}
}

func TestFollowEnds(t *testing.T) {
	s := newStore(1 << 20)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range follow(ctx, s) {
			}
		})
	}
	cancel()
	all.Wait()
	s.Append("a", LevelInfo, "1\n2")
	for line := range follow(t.Context(), s) {
		if line.Seq == 1 {
			break
		}
		t.Errorf("got %+v", line)
	}
	s.Close()
	s.Append("a", LevelInfo, "3")
	var seen int
	for range follow(t.Context(), s) {
		seen++
	}
	if seen != 2 {
		t.Errorf("a follower of a closed store got %d lines", seen)
	}
}

// A source that writes faster than a follower reads doesn't keep it from its end.
func TestFollowEndsInAFlood(t *testing.T) {
	s := newStore(1 << 20)
	s.Append("x", LevelInfo, "1\n2\n3")
	var got []string
	for line := range follow(t.Context(), s) {
		got = append(got, line.Text)
		s.Close()
		s.Append("x", LevelInfo, "late\nlater")
		if len(got) > 3 {
			break
		}
	}
	if want := []string{"1", "2", "3"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := texts(s, "x", 1); !slices.Equal(got, []string{"later"}) {
		t.Errorf("kept %q", got)
	}
}

// Writers of several sources, and followers that take their time, see one
// order, and no line is lost or comes twice.
func TestConcurrently(t *testing.T) {
	const writers, lines = 8, 2000
	s := newStore(1 << 30)
	var reading, writing sync.WaitGroup
	for range 4 {
		reading.Go(func() {
			next := map[string]int{}
			for line, missed := range follow(t.Context(), s) {
				if want := fmt.Sprint(next[line.Source]); line.Text != want || missed != 0 {
					t.Errorf("%s: got %q with %d missing, want %q", line.Source, line.Text, missed, want)
					return
				}
				next[line.Source]++
			}
			if len(next) != writers {
				t.Errorf("saw %v", next)
			}
		})
	}
	for i := range writers {
		writing.Go(func() {
			w := s.Writer(fmt.Sprint("writer ", i))
			for n := range lines {
				fmt.Fprintln(w, n)
			}
		})
	}
	writing.Wait()
	s.Close()
	reading.Wait()
}

// The store accepts a flood without waiting for a blocked follower, and without more memory than the limit allows.
func TestFloodIsBounded(t *testing.T) {
	const limit = 1 << 20
	s := newStore(limit)
	stuck := make(chan struct{})
	var follower sync.WaitGroup
	s.Append("x", LevelInfo, "first")
	began := make(chan struct{})
	follower.Go(func() {
		for range follow(t.Context(), s) {
			close(began)
			<-stuck
			return
		}
	})
	<-began
	before := heap()
	w := s.Writer("flood")
	for _, piece := range floods() {
		for range 8 << 20 / len(piece) {
			if _, err := w.Write(piece); err != nil {
				t.Fatal(err)
			}
		}
		if grown := heap() - before; grown > 4*limit {
			t.Errorf("%d bytes more in use after 8 MB in pieces of %d", grown, len(piece))
		}
	}
	close(stuck)
	follower.Wait()
	runtime.KeepAlive(s)
}

// heap returns how many bytes are in use.
func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// floods are the pieces in which programs write a lot.
func floods() [][]byte {
	return [][]byte{
		[]byte(strings.Repeat("y\n", 16<<10)),
		[]byte(strings.Repeat(strings.Repeat("x", 99)+"\n", 327)),
		[]byte(strings.Repeat("x", 32<<10)),
		[]byte(strings.Repeat("x", 99) + "\n"),
	}
}

func BenchmarkWriter(b *testing.B) {
	for _, piece := range floods() {
		b.Run(fmt.Sprintf("%d bytes %d lines", len(piece), strings.Count(string(piece), "\n")), func(b *testing.B) {
			w := New(16<<20, clock.RealClock{}).Writer("x")
			b.SetBytes(int64(len(piece)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.Write(piece); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// newest is the number of the last line, 0 before the first.
func (s *Store) newest() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next - 1
}

func TestRedact(t *testing.T) {
	if got := newStore(1).Redacted("hunter22"); got != "hunter22" {
		t.Errorf("nothing to redact: %q", got)
	}
	s := New(1<<20, testingclock.NewFakeClock(epoch))
	s.Append("a", LevelInfo, "before: hunter22, hunter22x and hunt")
	s.Redact(map[string]string{"hunter22": "[password]", "hunt": "[too short]"})
	s.Redact(map[string]string{"hunter22x": "[longer]", "line one\nline two\n": "[key]"})
	w := s.Writer("a")
	_, _ = w.Write([]byte("after: hunter22 hunter22x\nline one\n  line two!\n"))
	_ = w.Close()
	want := []string{"before: [password], [password]x and hunt", "after: [password] [longer]", "[key]", "  [key]!"}
	if got := s.Redacted("of hunter22"); got != "of [password]" {
		t.Errorf("redacted: %q", got)
	}
	if got := texts(s, "a", 10); !slices.Equal(got, want) {
		t.Errorf("lines %q, want %q", got, want)
	}
}
