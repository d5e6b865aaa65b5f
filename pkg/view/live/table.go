// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"fmt"
	"strings"

	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/view"
)

const (
	stateWidth = 13
	timeWidth  = 6
	// markWidth is that of the cursor, the sign and the spaces around them.
	markWidth = 6
)

// window is which rows are drawn: those from top to bottom, then the pinned ones.
type window struct {
	top, bottom int
	// pinned are indexes of failed rows that are outside.
	pinned []int
}

// window chooses the rows around the cursor, and failed ones that are elsewhere.
func (m *Model) window(rows int) window {
	n := len(m.visible)
	around := func(rows int) window {
		top := max(0, min(max(0, m.at())-rows/2, n-rows))
		return window{top: top, bottom: min(n, top+rows)}
	}
	w := around(rows)
	if n <= rows {
		return w
	}
	failed := 0
	for i := range m.visible {
		if m.visible[i].Phase == session.PhaseFailed && (i < w.top || i >= w.bottom) {
			failed++
		}
	}
	w = around(rows - min(failed, rows/3))
	for i := range m.visible {
		outside := i < w.top || i >= w.bottom
		if outside && m.visible[i].Phase == session.PhaseFailed && len(w.pinned) < rows/3 && failed > 0 {
			w.pinned = append(w.pinned, i)
		}
	}
	return w
}

// hiddenRows says how many rows aren't drawn, empty if all are.
func (m *Model) hiddenRows(rows int) string {
	w := m.window(rows)
	above, below := w.top, len(m.visible)-w.bottom
	if above+below == 0 {
		return ""
	}
	failed := -len(w.pinned)
	for i := range m.visible {
		if m.visible[i].Phase == session.PhaseFailed && (i < w.top || i >= w.bottom) {
			failed++
		}
	}
	text := fmt.Sprintf(" %d above, %d below ", above, below)
	if failed > 0 {
		text += fmt.Sprintf("(%d failed) ", failed)
	}
	return text
}

// drawTable draws the head of the table and so many rows of it.
func (m *Model) drawTable(rows int) []string {
	name := m.nameColumn()
	why := m.width - markWidth - name - stateWidth - timeWidth - 3
	if m.width < whyWidth {
		why = 0
	}
	head := strings.Repeat(" ", markWidth) + m.marks.pad("NAME", name) + " " +
		m.marks.pad("STATE", stateWidth) + " " + m.marks.pad("TIME", timeWidth)
	if why > 0 {
		head += " WHY / LAST LINE"
	}
	drawn := append(make([]string, 0, rows+1), m.paint(faint, m.marks.cut(head, m.width)))
	w := m.window(rows)
	for i := w.top; i < w.bottom; i++ {
		drawn = append(drawn, m.drawRow(m.visible[i], name, why))
	}
	for _, i := range w.pinned {
		drawn = append(drawn, m.drawRow(m.visible[i], name, why))
	}
	if len(m.visible) == 0 && rows > 0 {
		drawn = append(drawn, m.emptyTable())
	}
	for len(drawn) < rows+1 {
		drawn = append(drawn, "")
	}
	return drawn[:rows+1]
}

func (m *Model) emptyTable() string {
	switch {
	case m.filter != "":
		return m.marks.cut(fmt.Sprintf("     no resource has %q in its name; esc shows all", m.filter), m.width)
	case m.session == nil:
		return m.marks.cut("     reading the Session", m.width)
	}
	return ""
}

// drawRow draws a row of the table; why is the width of its last column.
func (m *Model) drawRow(r *view.Row, name, why int) string {
	point, marked := " ", ""
	if r.Name == m.cursor {
		point, marked = m.marks.point, bold
	}
	drawn := m.paint(marked, point) + " " + m.marks.pad(m.options.Style.Sign(r.Phase), markWidth-3) + " " +
		m.paint(marked, m.marks.pad(m.marks.cutMiddle(plain(r.Name), name), name)) + " " +
		m.options.Style.Phase(r.Phase, m.marks.pad(r.State(), stateWidth)) + " " +
		m.marks.pad(view.Duration(r.Time(m.options.Now())), timeWidth)
	if why > 0 {
		drawn += " " + m.marks.cut(plain(m.options.Style.Text(r.Says(m.last[r.Name]))), why)
	}
	return m.marks.cut(strings.TrimRight(drawn, " "), m.width)
}
