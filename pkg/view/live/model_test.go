// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tilt.dev/session/pkg/view"
)

// longLog is the log of a run that has written more than the view holds: each tenth line is of catalog.
func longLog(n int) *source {
	s := &source{}
	for i := range n {
		resource := "worker"
		if i%10 == 0 {
			resource = "catalog"
		}
		s.add(fmt.Sprintf("%s: line %d", resource, i))
	}
	return s
}

// shown are the texts of the lines that the pane shows.
func shown(m *Model) []string {
	var texts []string
	for _, row := range m.drawPane(m.width, m.layout().pane) {
		_, text, found := strings.Cut(row, "│ ")
		if !found {
			text = row
		}
		texts = append(texts, ansi.Strip(text))
	}
	return texts
}

// late is a view that has only the end of a long log at hand.
func late(t *testing.T, n int) (*Model, *source) {
	log := longLog(n)
	m := screenOf(t, 80, 24, demo(), &source{}, view.Style{})
	m.options.Source = log
	settle(m, news{lines: log.lines[n-recentLines:]})
	return m, log
}

// TestScrollsThroughTheWholeLog goes from the end of a log to its start and back, through lines that aren't at hand.
func TestScrollsThroughTheWholeLog(t *testing.T) {
	const n = 3 * windowLines
	m, log := late(t, n)
	if got := shown(m); got[len(got)-1] != fmt.Sprintf("line %d", n-1) {
		t.Fatalf("at the end: %q", got)
	}
	seen := map[string]bool{}
	look := func() {
		for _, text := range shown(m) {
			seen[text] = true
		}
	}
	for range n {
		look()
		if seen["line 0"] {
			break
		}
		keys(m, "<pgup>")
	}
	if len(seen) != n {
		t.Errorf("%d of %d lines were shown on the way up", len(seen), n)
	}
	if len(m.pane.lines) > windowLines+pageLines {
		t.Errorf("the pane holds %d lines", len(m.pane.lines))
	}
	log.add("worker: newest")
	settle(m, news{lines: log.lines[n:]})
	clear(seen)
	for range n {
		look()
		if m.pane.follow {
			break
		}
		keys(m, "<pgdown>")
	}
	if len(seen) != n+1 || !seen["newest"] {
		t.Errorf("%d of %d lines were shown on the way down", len(seen), n+1)
	}
	keys(m, "g")
	keys(m, "G")
	if got := shown(m); got[len(got)-1] != "newest" {
		t.Errorf("G shows %q", got)
	}
}

// TestFindsInTheWholeLog finds lines that the view doesn't have.
func TestFindsInTheWholeLog(t *testing.T) {
	const n = 3 * windowLines
	m, log := late(t, n)
	keys(m, "fLINE 3$<enter>") // A capital letter makes it exact.
	if !strings.Contains(m.flash, "no other line") {
		t.Errorf("LINE is found: %q", m.flash)
	}
	keys(m, "fline 2000.$<enter>")
	for _, want := range []string{"line 20009", "line 20008", "line 20007"} {
		if !slices.Contains(shown(m), want) || log.lines[m.find.at-1].Text != want {
			t.Errorf("%s isn't found: at %d, shown %q", want, m.find.at, shown(m))
		}
		keys(m, "n")
	}
	keys(m, "NN")
	if got := log.lines[m.find.at-1].Text; got != "line 20008" {
		t.Errorf("N finds %s", got)
	}
	keys(m, "f(<enter>")
	if !strings.Contains(m.flash, "missing closing )") {
		t.Errorf("a wrong expression: %q", m.flash)
	}
	keys(m, "<esc>ja") // The row at the cursor is catalog.
	keys(m, "fline 5<enter>")
	if got := log.lines[m.find.at-1]; got.Resource != "catalog" || got.Text != "line 5990" {
		t.Errorf("in the log of catalog: %v", got)
	}
}

func TestKeysChangeTheSession(t *testing.T) {
	log := demoLog()
	m := screenOf(t, 80, 24, demo(), log, view.Style{})
	keys(m, "jtjrjRe")
	want := []string{
		"trigger catalog", "trigger load-test", "enable false migrate", "enable true migrate", "enable false migrate",
	}
	if !slices.Equal(log.asked, want) {
		t.Errorf("asked for %q, want %q", log.asked, want)
	}
	settle(m, news{session: sessionOf(targets("migrate=off"))})
	keys(m, "e")
	if got := log.asked[len(log.asked)-1]; got != "enable true migrate" || m.flash != "enabled migrate" {
		t.Errorf("%s, %q", got, m.flash)
	}
	log.err = errors.New("no such resource")
	keys(m, "t")
	if m.flash != "no such resource" {
		t.Errorf("a refusal: %q", m.flash)
	}
}

// TestLeaving is how each key ends a view of a run of its own, and that of another's.
func TestLeaving(t *testing.T) {
	for _, test := range []struct {
		own    bool
		keys   string
		quits  bool
		ending Ending
	}{
		{true, "q", false, EndedByContext}, {true, "qn", false, EndedByContext}, {true, "qy", true, EndedByUser},
		{true, "s", true, EndedForStream}, {false, "q", true, EndedByUser}, {true, "/q", false, EndedByContext},
		{true, "/s<enter>", false, EndedByContext},
	} {
		m := screenOf(t, 80, 24, demo(), demoLog(), view.Style{})
		m.options.Own = test.own
		quits := false
		for _, key := range strings.ReplaceAll(test.keys, "<enter>", "\r") {
			pressed := tea.KeyPressMsg{Code: key, Text: string(key)}
			if key == '\r' {
				pressed = tea.KeyPressMsg{Code: tea.KeyEnter}
			}
			cmd := m.press(pressed)
			quits = quits || cmd != nil && cmd() == tea.Quit()
		}
		if quits != test.quits || m.ending != test.ending {
			t.Errorf("%q, own %v: quits %v, ending %v", test.keys, test.own, quits, m.ending)
		}
	}
	m := screenOf(t, 80, 24, demo(), demoLog(), view.Style{})
	keys(m, "/or")
	if cmd := m.press(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}); cmd == nil || cmd() != tea.Quit() {
		t.Error("Ctrl-C ends a view that asks something")
	}
}

// TestUnfinishedLines are joined with their rest.
func TestUnfinishedLines(t *testing.T) {
	log := demoLog()
	m := screenOf(t, 80, 24, demo(), log, view.Style{})
	log.add("catalog: Continue? ")
	settle(m, news{lines: log.lines[len(log.lines)-1:]})
	rest := *log.lines[len(log.lines)-1]
	rest.Seq, rest.Text, rest.Continues = rest.Seq+1, "yes", true
	settle(m, news{lines: []*line{&rest}})
	if got := shown(m); got[len(got)-1] != "Continue? yes" {
		t.Errorf("shown: %q", got)
	}
}

// TestErrorsOfReadsWait for the next contact: a server that is away isn't asked again and again.
func TestErrorsOfReadsWait(t *testing.T) {
	m, log := late(t, windowLines)
	log.err = errors.New("connection refused")
	keys(m, "g") // settle would never end.
	if m.flash != "connection refused" || !m.pane.stalled {
		t.Errorf("flash %q, stalled %v", m.flash, m.pane.stalled)
	}
	log.err = nil
	settle(m, news{contact: true})
	keys(m, strings.Repeat("g", 30))
	if got := shown(m); got[0] != "line 0" {
		t.Errorf("after the next contact: %q", got)
	}
}

// Rows are in the order of the Tiltfile where the server tells it, and images and others come last.
func TestOrderOfTheTiltfile(t *testing.T) {
	log := demoLog()
	log.places = map[string]int32{"(Tiltfile)": 0, "worker": 1, "smoke": 2, "catalog": 3}
	m := screenOf(t, 80, 24, demo(), log, view.Style{})
	var got []string
	for _, r := range m.visible {
		got = append(got, r.Name)
	}
	if want := "(Tiltfile) worker smoke catalog load-test migrate orders"; strings.Join(got, " ") != want {
		t.Errorf("%s, want %s", got, want)
	}
}
