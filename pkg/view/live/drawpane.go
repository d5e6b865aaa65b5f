// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/view"
)

// drawPane draws the log on at most so many rows of a width.
func (m *Model) drawPane(width, rows int) []string {
	p := &m.pane
	var drawn []string
	if p.follow { // From the end on, as wrapped lines take several rows.
		for i := len(p.lines) - 1; i >= 0 && len(drawn) < rows; i-- {
			drawn = append(m.drawLine(p.lines[i], width), drawn...)
		}
		return drawn[max(0, len(drawn)-rows):]
	}
	for i := p.first(rows); i < len(p.lines) && len(drawn) < rows; i++ {
		drawn = append(drawn, m.drawLine(p.lines[i], width)...)
	}
	return drawn[:min(rows, len(drawn))]
}

// drawLine draws a line of the log on one row, or on several if lines are wrapped.
func (m *Model) drawLine(l *line, width int) []string {
	prefix := ""
	if m.timestamps {
		prefix = m.paint(faint, l.Time.In(m.options.Zone).Format("15:04:05.000")) + " "
	}
	if m.pane.resource == "" {
		column := m.nameColumn()
		name := m.marks.cutMiddle(plain(l.Resource), column)
		prefix += strings.Repeat(" ", max(0, column-ansi.StringWidth(name))) + name + " " + m.marks.bar + " "
	}
	switch l.Level {
	case v1alpha1.SessionLogLevelError:
		prefix += m.paint(red, "ERROR: ")
	case v1alpha1.SessionLogLevelWarn:
		prefix += m.paint(yellow, "WARNING: ")
	}
	if m.find.at == l.Seq && m.find.at > 0 {
		prefix = m.paint(bold, m.marks.point) + prefix
	}
	limit := 8*width + 1024
	if m.wrap {
		limit = 4 * width * m.height
	}
	var body string
	if m.find.pattern != nil && m.find.pattern.MatchString(l.Text) {
		body = highlight(clean(l.Text, limit, false), m.find.pattern)
	} else {
		body = clean(l.Text, limit, m.options.Style.Colour != view.NoColour)
	}
	if m.wrap {
		return wrapped(prefix+body, width)
	}
	return []string{m.marks.cut(prefix+body, width)}
}

// nameColumn is the width of the column for names, in the table and in the log.
func (m *Model) nameColumn() int { return max(4, min(m.nameWidth, m.width*2/5)) }

func (m *Model) paint(sgr, s string) string { return m.options.Style.Paint(sgr, s) }
