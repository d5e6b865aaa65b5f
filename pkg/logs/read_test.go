// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"

	"tilt.dev/session/pkg/model"
)

func TestPrinter(t *testing.T) {
	s := newStore(1 << 20)
	s.Append(model.TiltfileResource, LevelInfo, "Loading\nReady")
	s.Append("a", LevelInfo, "one\r\n\n\x1b[1mtwo\xff\x00")
	s.Append("a", LevelError, "bad\nworse")
	s.Append("a-resource-with-a-name", LevelWarn, "careful")
	s.Close()
	want := "Loading\nReady\n" +
		"            a │ one\n            a │ \x1b[1mtwo\xff\x00\n" +
		"            a │ ERROR: bad\n            a │ worse\n" +
		"a-resource-with-a-name │ WARNING: careful\n"
	if got := printed(t, s, Selection{}); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	three := int64(3)
	if got := printed(t, s, Selection{Sources: []string{"a"}, Tail: &three}); got != want[len("Loading\nReady\n            a │ one\n"):strings.Index(want, "a-res")] {
		t.Errorf("the last three lines are %q", got)
	}
	two := int64(2)
	if got := printed(t, s, Selection{Tail: &two}); got != "            a │ worse\na-resource-with-a-name │ WARNING: careful\n" {
		t.Errorf("the last two lines are %q", got)
	}
}

// printed returns the printed text.
func printed(t *testing.T, s *Store, selection Selection) string {
	t.Helper()
	var out bytes.Buffer
	printer := NewPrinter(&out, Style{})
	for batch := range s.Read(t.Context(), selection) {
		before := out.Len()
		if err := printer.Print(batch); err != nil || out.Len() == before {
			t.Errorf("%d bytes, %v", out.Len()-before, err)
		}
	}
	if err := printer.Close(); err != nil {
		t.Error(err)
	}
	return out.String()
}

// Readers receive the number of lines that were dropped since reading began, in their place.
func TestPrinterTellsWhatIsMissing(t *testing.T) {
	s := newStore(10_000)
	s.Append("a", LevelInfo, "first")
	s.Append("b", LevelInfo, "of b")
	var out bytes.Buffer
	printer := NewPrinter(&out, Style{})
	for batch := range s.Read(t.Context(), Selection{Until: make(chan struct{})}) {
		if err := printer.Print(batch); err != nil {
			t.Fatal(err)
		}
		if s.newest() == 2 {
			for range 1000 {
				s.Append("a", LevelInfo, "a line\nanother")
			}
			s.Append("b", LevelInfo, "last")
			s.Close()
		}
	}
	text := out.String()
	if n := strings.Count(text, " lines of a were written faster than they could be printed, and are missing here]\n"); n != 1 {
		t.Errorf("%d notes in %q", n, text)
	}
	if !strings.HasPrefix(text, "            a │ first\n            b │ of b\n[") || !strings.HasSuffix(text, "            b │ last\n") {
		t.Errorf("got %q", text)
	}
}

// brokenWriter takes a number of pieces.
type brokenWriter struct{ left, taken int }

func (b *brokenWriter) Write(p []byte) (int, error) {
	if b.left--; b.left < 0 {
		return 0, io.ErrClosedPipe
	}
	b.taken += len(p)
	return len(p), nil
}

func TestPrinterFails(t *testing.T) {
	s := newStore(1 << 20)
	s.Append("a", LevelInfo, strings.Repeat("0123456789\n", 20_000))
	for batch := range s.Read(t.Context(), Selection{}) {
		w := &brokenWriter{left: 2}
		err := NewPrinter(w, Style{}).Print(batch)
		if !errors.Is(err, io.ErrClosedPipe) || w.taken < 2*pieceSize || w.taken > 2*pieceSize+100 {
			t.Errorf("%d bytes, %v", w.taken, err)
		}
	}
}

// A selection has a fixed end, also with writes meanwhile.
func TestReadUntil(t *testing.T) {
	s := newStore(1 << 20)
	s.Append("a", LevelInfo, "1\n2")
	until := make(chan struct{})
	var got []string
	for batch := range s.Read(t.Context(), Selection{Until: until}) {
		for line := range batch.Lines() {
			got = append(got, line.Text)
		}
		switch len(got) {
		case 2:
			s.Append("a", LevelInfo, "3")
		case 3:
			close(until)
		}
	}
	if want := []string{"1", "2", "3"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReadSince(t *testing.T) {
	clock := testingclock.NewFakeClock(epoch)
	s := New(1<<20, clock)
	for range 3 {
		s.Append("a", LevelInfo, clock.Now().Format(time.TimeOnly))
		clock.Step(time.Second)
	}
	if got := printed(t, s, Selection{Since: epoch.Add(time.Second)}); got != "            a │ 03:04:06\n            a │ 03:04:07\n" {
		t.Errorf("got %q", got)
	}
}

// A burst of 25 MB of the shortest lines is kept by a store of 32 MiB until a reader comes.
func TestBurstFits(t *testing.T) {
	s := newStore(32 << 20)
	w := s.Writer("yes")
	const size = 25 << 20
	piece := []byte(strings.Repeat("y\n", 16<<10))
	for range size / len(piece) {
		if _, err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	var lines int
	for batch := range s.Read(t.Context(), Selection{}) {
		for range batch.Lines() {
			lines++
		}
	}
	if lines != size/2 {
		t.Errorf("%d lines of %d", lines, size/2)
	}
}

// The time to print a burst of 25 MB.
func BenchmarkPrint(b *testing.B) {
	for name, line := range map[string]string{"y": "y\n", "short": "12345678\n", "usual": strings.Repeat("x", 79) + "\n"} {
		b.Run(name, func(b *testing.B) {
			const size = 25 << 20
			piece := []byte(strings.Repeat(line, 32<<10/len(line)))
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				s := New(32<<20, clock.RealClock{})
				var reading sync.WaitGroup
				var printed counter
				reading.Go(func() {
					printer := NewPrinter(&printed, Style{})
					for batch := range s.Read(b.Context(), Selection{Until: make(chan struct{})}) {
						if err := printer.Print(batch); err != nil {
							b.Error(err)
						}
					}
				})
				w := s.Writer("x")
				for range size / len(piece) {
					if _, err := w.Write(piece); err != nil {
						b.Fatal(err)
					}
				}
				s.Close()
				reading.Wait()
				if int(printed) < size {
					b.Fatalf("printed %d bytes", printed)
				}
			}
		})
	}
}

// counter counts bytes.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
