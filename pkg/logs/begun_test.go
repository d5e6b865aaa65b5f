// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"
)

// A step of a story is what a writer writes, or a quiet time.
const pause = "(pause)"

func TestLinesThatHaveBegun(t *testing.T) {
	for name, test := range map[string]struct {
		steps []string
		// want is what a terminal shows, tail what a report has of the source.
		want, tail string
	}{
		"a prompt":                 {[]string{"Waiting for database."}, "a │ Waiting for database.\n", "Waiting for database."},
		"a prompt, shown":          {[]string{"Waiting for database.", pause}, "a │ Waiting for database.\n", "Waiting for database."},
		"a line in two":            {[]string{"Waiting", pause, " done\n"}, "a │ Waiting done\n", "Waiting done"},
		"a line in two, no pause":  {[]string{"Waiting", " done\n"}, "a │ Waiting done\n", "Waiting done"},
		"dots":                     {[]string{".", pause, ".", pause, ".", pause, "\nnext\n"}, "a │ ...\na │ next\n", "...|next"},
		"an end that comes late":   {[]string{"one", pause, "\n", "two\n"}, "a │ one\na │ two\n", "one|two"},
		"CRLF that comes late":     {[]string{"one\r", pause, "\ntwo\n"}, "a │ one\na │ two\n", "one|two"},
		"a progress bar":           {[]string{"10%\r", pause, "20%\r", pause}, "a │ 10%\r20%\n", "10%\r20%"},
		"half of a character":      {[]string{"caf\xc3", pause, "\xa9\n"}, "a │ café\n", "café"},
		"what isn't UTF-8":         {[]string{"\xff\xff", pause, "x\n"}, "a │ \xff\xffx\n", "\xff\xffx"},
		"nothing":                  {[]string{"", pause}, "", ""},
		"whole lines":              {[]string{"one\ntwo\n", pause, "three\n"}, "a │ one\na │ two\na │ three\n", "one|two|three"},
		"another one writes":       {[]string{"Waiting", pause, "b:hello\n", " done\n"}, "a │ Waiting\nb │ hello\na │  done\n", "Waiting done"},
		"another one, then an end": {[]string{"Waiting", pause, "b:hello\n", "\nnext\n"}, "a │ Waiting\nb │ hello\na │ next\n", "Waiting|next"},
		"two at once":              {[]string{"one", "b:two", pause, " a\n", "b: b\n"}, "", "one a"},
		"an error of the engine":   {[]string{"Waiting", pause, "!it failed"}, "a │ Waiting\na │ ERROR: it failed\n", "Waiting|it failed"},
		"many parts":               {[]string{"reason\n", ".", pause, ".", pause, ".", pause, ".", pause, ".", pause, ".", pause, ".", pause, ".", pause, ".", pause, ".", pause, ".", pause, ".", pause}, "a │ reason\na │ ............\n", "reason|............"},
		"a new writer":             {[]string{"Waiting", pause, "new", "again\n"}, "a │ Waiting\na │ again\n", "Waiting|again"},
		"a long line":              {[]string{strings.Repeat("x", MaxLine+5), pause, "y\n"}, "a │ " + strings.Repeat("x", MaxLine) + "\na │ xxxxxy\n", "..."},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(1<<20, clock.RealClock{})
				var out bytes.Buffer
				reading := make(chan struct{})
				go func() {
					defer close(reading)
					printer := NewPrinter(&out, Style{})
					for batch := range s.Read(t.Context(), Selection{Until: make(chan struct{})}) {
						if err := printer.Print(batch); err != nil {
							t.Error(err)
						}
					}
					if err := printer.Close(); err != nil {
						t.Error(err)
					}
				}()
				a, b := s.Writer("a"), s.Writer("b")
				for _, step := range test.steps {
					synctest.Wait()
					var err error
					switch text, ofB := strings.CutPrefix(step, "b:"); {
					case step == pause:
						time.Sleep(quiet)
					case step == "new":
						err = a.Close()
						a = s.Writer("a")
					case step[:min(1, len(step))] == "!":
						s.Append("a", LevelError, step[1:])
					case ofB:
						_, err = b.Write([]byte(text))
					default:
						_, err = a.Write([]byte(step))
					}
					if err != nil {
						t.Error(err)
					}
				}
				s.Close()
				<-reading
				for _, w := range []*Writer{a, b} {
					if err := w.Close(); err != nil {
						t.Error(err)
					}
				}
				if got := strings.ReplaceAll(out.String(), "            ", ""); got != test.want && test.want != "" {
					t.Errorf("got %q, want %q", got, test.want)
				}
				if got := strings.Join(texts(s, "a", 10), "|"); got != test.tail && test.tail != "..." {
					t.Errorf("the tail is %q, want %q", got, test.tail)
				}
			})
		})
	}
}

// A line isn't shown in pieces because a busy program writes it slowly.
func TestLineWithShortPausesStaysWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(1<<20, clock.RealClock{})
		w := s.Writer("a")
		for range 4 {
			if _, err := w.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(quiet / 2)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if n := s.newest(); n != 1 {
			t.Errorf("it's %d lines", n)
		}
	})
}

// The unfinished line of a program that never pauses is shown, too.
func TestLineWithoutPausesIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(1<<20, clock.RealClock{})
		w := s.Writer("a")
		for range 60 {
			if _, err := w.Write([]byte(".")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(quiet / 4)
		}
		synctest.Wait()
		if shown := texts(s, "a", 1); len(shown) != 1 || len(shown[0]) < 45 {
			t.Errorf("after %v it shows %q", 60*quiet/4, shown)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := texts(s, "a", 9); len(got) != 1 || got[0] != strings.Repeat(".", 60) {
			t.Errorf("got %q", got)
		}
	})
}

// Lines say whether they are continued.
func TestContinues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(1<<20, clock.RealClock{})
		w := s.Writer("a")
		for _, piece := range []string{"one", " two", " three\nfour\n"} {
			if _, err := w.Write([]byte(piece)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(quiet)
			synctest.Wait()
		}
		s.Close()
		var got []string
		for batch := range s.Read(t.Context(), Selection{}) {
			for line := range batch.Lines() {
				mark := ""
				if line.Continues {
					mark = "+"
				}
				got = append(got, mark+line.Text)
			}
		}
		if want := []string{"one", "+ two", "+ three", "four"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
