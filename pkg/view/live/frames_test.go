// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/view"
)

var update = flag.Bool("update", false, "write the frames that are drawn to testdata")

// many are n resources, the 7th and every 100th of which have failed.
func many(n int) *v1alpha1.Session {
	var words []string
	for i := range n {
		state := [...]string{"ok", "ready", "run"}[i%3]
		if i == 7 || i%100 == 99 {
			state = "fail:Process 7 exited with code 1"
		}
		words = append(words, fmt.Sprintf("service-%03d=%s", i, state))
	}
	return sessionOf(targets(words...))
}

func longNames() *v1alpha1.Session {
	name := func(end string) string { return strings.Repeat("service-", 9) + end }
	return sessionOf(targets(name("in-north")+"=ready", name("in-south")+"=fail:Process 7 exited with code 1", "世界の会社のサーバー世界の会社のサーバー=run"))
}

// TestFrames compares what is drawn with testdata, without colours unless a frame is about those.
func TestFrames(t *testing.T) {
	utf8, ascii, colours := view.Style{}, view.Style{ASCII: true}, view.Style{Colour: view.Colour16}
	for _, test := range []struct {
		name          string
		width, height int
		session       *v1alpha1.Session
		style         view.Style
		keys          string
	}{
		{"80x24", 80, 24, demo(), utf8, ""},
		{"100x30", 100, 30, demo(), utf8, ""},
		{"140x40", 140, 40, demo(), utf8, ""},
		{"40x10", 40, 10, demo(), utf8, ""},
		{"ascii-80x24", 80, 24, demo(), ascii, ""},
		{"ascii-40x10", 40, 10, demo(), ascii, ""},
		{"colours", 80, 24, demo(), colours, ""},
		{"60-targets", 80, 24, many(60), utf8, "<down><down>"},
		{"500-targets", 80, 24, many(500), utf8, strings.Repeat("j", 250)},
		{"500-targets-40x10", 40, 10, many(500), utf8, strings.Repeat("j", 450)},
		{"500-targets-failed-first", 80, 24, many(500), utf8, "o"},
		{"long-names", 80, 24, longNames(), utf8, ""},
		{"long-names-40x10", 40, 10, longNames(), utf8, ""},
		{"one-log", 80, 24, demo(), utf8, "ja"},
		{"full-log", 80, 24, demo(), utf8, "j<enter>T"},
		{"filter", 80, 24, demo(), utf8, "/or<enter>"},
		{"filter-nothing", 80, 24, demo(), utf8, "/zzz"},
		{"why", 80, 24, demo(), utf8, "jjjjjd"},
		{"help", 80, 24, demo(), utf8, "?"},
		{"quit", 80, 24, demo(), utf8, "q"},
		{"find", 80, 24, demo(), colours, "fon <enter>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := screenOf(t, test.width, test.height, test.session, demoLog(), test.style)
			keys(m, test.keys)
			compare(t, test.name, frameOf(t, m))
		})
	}
}

func TestFrameWithoutContact(t *testing.T) {
	m := screenOf(t, 80, 24, demo(), demoLog(), view.Style{})
	settle(m, news{contact: true, lost: errors.New("dial tcp 127.0.0.1:10350: connect: connection refused")})
	compare(t, "disconnected", frameOf(t, m))
	settle(m, news{contact: true, session: demo()})
	if frame := frameOf(t, m); strings.Contains(frame, "disconnected") {
		t.Errorf("the server is back:\n%s", frame)
	}
	empty := NewModel(t.Context(), m.options)
	if frame := frameOf(t, empty); !strings.Contains(frame, "reading the Session") {
		t.Errorf("nothing has come yet:\n%s", frame)
	}
}

// TestEverySize draws on screens of all sizes, smaller ones than the view begins on too.
func TestEverySize(t *testing.T) {
	for _, s := range []*v1alpha1.Session{demo(), many(60), longNames()} {
		for width := 2; width <= 120; width += 13 {
			for height := 4; height <= 40; height += 3 {
				m := screenOf(t, width, height, s, demoLog(), view.Style{})
				for _, pressed := range []string{"", "W", "T", "a", "d", "d?", "?l", "l<enter>", "<esc>o"} {
					keys(m, pressed)
					frameOf(t, m)
				}
			}
		}
	}
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	var b strings.Builder // A golden file shows escapes as text, and no spaces at ends.
	for l := range strings.Lines(got) {
		if !strings.HasPrefix(name, "colours") && name != "find" {
			l = ansi.Strip(l)
		}
		b.WriteString(strings.TrimRight(strings.ReplaceAll(l, "\x1b", "\\e"), " \n") + "\n")
	}
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("%s has changed (-update writes it); got:\n%s", file, b.String())
	}
}
