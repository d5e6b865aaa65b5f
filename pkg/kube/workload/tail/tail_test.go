// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tail

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// logText returns a log of numbered lines, of which two at a time have the same time.
func logText(lines int) string {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var b strings.Builder
	for i := range lines {
		fmt.Fprintf(&b, "%s line %d\n", began.Add(time.Duration(i/2)*400*time.Millisecond).Format(time.RFC3339Nano), i)
	}
	return b.String()
}

// since returns the lines from a whole second on, as the kubelet does.
func since(log string, at time.Time) string {
	var b strings.Builder
	for line := range strings.Lines(log) {
		if t, _, _ := cutTime([]byte(line)); !t.Before(at.Truncate(time.Second)) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestPosition breaks a stream at each byte and reads on with another one.
func TestPosition(t *testing.T) {
	const lines = 12
	log := logText(lines)
	for cut := range len(log) {
		for _, end := range []error{io.EOF, errors.New("connection lost")} {
			var p Position
			var got []string
			emit := func(line []byte, _ bool) { got = append(got, string(line)) }
			first := io.MultiReader(strings.NewReader(log[:cut]), iotest.ErrReader(end))
			if err := p.Copy(first, false, emit); err != nil && !errors.Is(err, end) {
				t.Fatal(err)
			}
			if err := p.Copy(strings.NewReader(since(log, p.Last)), true, emit); err != nil {
				t.Fatal(err)
			}
			if len(got) != lines || !slices.IsSortedFunc(got, func(a, b string) int { return len(a) - len(b) }) {
				t.Fatalf("cut at %d by %v: %q", cut, end, got)
			}
		}
	}
}

func TestPositionLines(t *testing.T) {
	long := strings.Repeat("x", Longest)
	for name, tc := range map[string]struct {
		log      string
		complete bool
		want     []string
	}{
		"empty line":           {"2026-01-02T03:04:05Z \n", false, []string{""}},
		"carriage return":      {"2026-01-02T03:04:05Z a\r\n", false, []string{"a"}},
		"spaces":               {"2026-01-02T03:04:05Z  a b \n", false, []string{" a b "}},
		"no line end, ended":   {"2026-01-02T03:04:05Z a", true, []string{"a"}},
		"no line end, follows": {"2026-01-02T03:04:05Z a", false, nil},
		"of the kubelet":       {"failed to watch: too many open files\n", false, []string{"failed to watch: too many open files"}},
		"long": {"2026-01-02T03:04:05Z " + long + "y\n2026-01-02T03:04:06Z b\n", false,
			[]string{long[21:], strings.Repeat("x", 21) + "y", "b"}},
	} {
		var p Position
		var got []string
		if err := p.Copy(strings.NewReader(tc.log), tc.complete, func(l []byte, _ bool) { got = append(got, string(l)) }); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %.60q, want %.60q", name, got, tc.want)
		}
	}
}

// FuzzPosition checks that a stream that is read twice shows nothing twice.
func FuzzPosition(f *testing.F) {
	f.Add(logText(4))
	f.Add("2026-01-02T03:04:05Z a\n2026-01-02T03:04:05Z a\n2026-01-02T03:04:04Z late\n")
	f.Fuzz(func(t *testing.T, log string) {
		var p Position
		_ = p.Copy(strings.NewReader(log), true, func([]byte, bool) {})
		if p.Last.IsZero() {
			return
		}
		var again []string
		_ = p.Copy(strings.NewReader(onlyTimed(log)), true, func(line []byte, _ bool) { again = append(again, string(line)) })
		if len(again) > 0 {
			t.Errorf("shown twice: %q", again)
		}
	})
}

func onlyTimed(log string) string {
	var b strings.Builder
	for line := range strings.Lines(log) {
		if _, _, ok := cutTime([]byte(strings.TrimRight(line, "\r\n"))); ok {
			b.WriteString(line)
		}
	}
	return b.String()
}
