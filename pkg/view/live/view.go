// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tilt.dev/session/pkg/view"
)

// layout is how many rows of the screen the parts of the view take.
type layout struct {
	// table is without its heads, -1 without a table. pane is without its head.
	table, pane int
}

const (
	// fewLines is the least height of the pane beside a table that would take all.
	fewLines = 5
	// whyWidth is the least width of the screen for the column that says why.
	whyWidth = 60
)

func (m *Model) layout() layout {
	all := max(0, m.height-2) // The header and the keys.
	switch {
	case m.full, m.screen == screenHelp:
		return layout{table: -1, pane: max(0, all-1)}
	case m.hidden:
		return layout{table: max(0, all-2)} // A line says how many rows there are above and below.
	}
	rest := max(0, all-2)
	table := min(max(1, len(m.visible)), rest-min(fewLines, rest/2))
	return layout{table: table, pane: rest - table}
}

// View implements tea.Model.
func (m *Model) View() tea.View {
	v := tea.NewView(strings.Join(m.draw(), "\n"))
	v.AltScreen = true
	if m.session != nil {
		sum := view.Summarize(m.session, m.options.Now())
		v.WindowTitle = plain(fmt.Sprintf("%d/%d %s - tilt-session", sum.Reached, sum.Wanted, sum.Tiltfile))
	}
	return v
}

// draw draws the rows of the screen.
func (m *Model) draw() []string {
	l := m.layout()
	drawn := append(make([]string, 0, m.height), m.drawHeader())
	if l.table >= 0 {
		drawn = append(drawn, m.drawTable(l.table)...)
	}
	drawn = append(drawn, m.drawBar())
	if l.pane > 0 {
		lines := m.drawLower(l.pane)
		drawn = append(drawn, lines...)
		for range l.pane - len(lines) {
			drawn = append(drawn, "")
		}
	}
	return append(drawn, m.drawFooter())
}

// drawHeader draws what the run is called, how it is, and how long it takes.
func (m *Model) drawHeader() string {
	left, right := m.options.Title, "reading the Session"
	if m.session != nil {
		sum := view.Summarize(m.session, m.options.Now())
		left = sum.Command + " " + sum.Tiltfile
		right = strings.TrimPrefix(sum.String(), left+"  ")
		if m.width < whyWidth {
			right = fmt.Sprintf("%d/%d ready  %d failed", sum.Reached, sum.Wanted, sum.Failed)
		}
	}
	if m.lost != nil {
		right = "disconnected  " + right
	}
	right = m.marks.cut(plain(right), m.width-2)
	left = m.marks.pad(" "+plain(left), m.width-ansi.StringWidth(right)-1)
	return m.invert(left + right + " ")
}

// invert draws a row in reverse, colours or not.
func (m *Model) invert(row string) string { return "\x1b[" + banner + "m" + row + ansi.ResetStyle }

// drawBar draws the line between the table and the pane, which says what both show.
func (m *Model) drawBar() string {
	name, of := m.pane.resource, ""
	switch m.screen {
	case screenWhy:
		name = "why " + plain(m.cursor)
	case screenHelp:
		name = "keys"
	case screenPage:
		name = "web page"
	default:
		if name == "" {
			name = "all logs"
		}
		if !m.pane.follow {
			of = " (scrolled; G follows)"
		}
	}
	bar := m.marks.line + m.marks.line + " " + m.marks.cutMiddle(plain(name), m.width/2) + of + " "
	hidden := ""
	if table := m.layout().table; table >= 0 {
		hidden = m.hiddenRows(table)
	}
	fill := m.width - ansi.StringWidth(bar) - ansi.StringWidth(hidden) - 1
	bar += strings.Repeat(m.marks.line, max(0, fill)) + hidden + m.marks.line
	return m.paint(faint, m.marks.cut(bar, m.width))
}

// drawLower draws what is below the table.
func (m *Model) drawLower(rows int) []string {
	switch m.screen {
	case screenHelp:
		return m.drawTexts(append(helpTexts(m.options.Own), m.options.Serves), rows)
	case screenWhy:
		return m.drawTexts(m.whyTexts(), rows)
	case screenPage:
		return m.drawTexts([]string{m.address, "", "It logs in once, within five minutes. y copies it; esc goes back."}, rows)
	}
	return m.drawPane(m.width, rows)
}

func (m *Model) drawTexts(texts []string, rows int) []string {
	var drawn []string
	for _, text := range texts {
		drawn = append(drawn, wrapped(" "+text, max(1, m.width))...)
	}
	return drawn[:min(rows, len(drawn))]
}

// drawFooter draws a question, a message, or the keys.
func (m *Model) drawFooter() string {
	switch {
	case m.prompt == promptFilter:
		return m.marks.cut(" rows with: "+m.typed+"_", m.width)
	case m.prompt == promptFind:
		return m.marks.cut(" find: "+m.typed+"_", m.width)
	case m.prompt == promptQuit:
		return m.paint(bold, m.marks.cut(" End the run and all that it has started? y/n", m.width))
	case m.flash != "":
		return m.paint(bold, m.marks.cut(" "+m.flash, m.width))
	case m.lost != nil:
		return m.paint(bold, m.marks.cut(" "+plain(m.lost.Error()), m.width))
	}
	keys := ""
	for _, key := range []string{"? help", "q quit", "enter log", "a all", "/ filter", "f find", "t trigger", "R restart",
		"e on/off", "d why", "w web", "s stream"} {
		if len(keys)+len(key)+1 < m.width {
			keys += " " + key + " "
		}
	}
	return m.paint(faint, m.marks.cut(keys, m.width))
}

// helpTexts list the keys.
func helpTexts(own bool) []string {
	quit := "q Ctrl-C   leave the view; the run goes on"
	if own {
		quit = "q Ctrl-C   end the run (q asks first); another Ctrl-C ends it at once"
	}
	return []string{
		"up down    choose a row, or scroll the log on its full screen (also j k)",
		"PgUp PgDn  scroll the log; g goes to its start, G to its end, which it follows",
		"enter      the log of the row on the full screen; esc goes back",
		"a          the logs of all resources, or of the chosen row",
		"l          hide or show the log",
		"f          find a regular expression in the whole log; n older, N newer",
		"/          rows whose names have a text; esc shows all again",
		"o          order of the rows: as in the Tiltfile, failed first, longest first",
		"d          why a row waits or has failed, and what is in front of it",
		"t r        trigger: run once more, after an update that runs",
		"R          restart: disable, then enable",
		"e          disable, or enable again",
		"W T        wrap long lines; time stamps",
		"w          open the web page in the browser, at the row",
		"y          copy the log on the screen to the clipboard",
		"s          plain lines instead of this view",
		"Ctrl-Z     suspend the view; what the run has started goes on",
		quit,
	}
}
