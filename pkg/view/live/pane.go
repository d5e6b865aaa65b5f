// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"slices"
	"sort"
)

// windowLines is the largest number of lines of the log that the pane holds.
const windowLines = 2 * recentLines

// pane is a part of the log of a resource or of all of them, and where it's looked at.
type pane struct {
	// resource is the one whose lines are shown, "" for all.
	resource string
	lines    []*line
	// start and end are true if no line exists before the first of lines, and if lines that are written follow the last.
	start, end bool
	// follow shows the last lines. Otherwise top is the index of the first line that's shown.
	follow bool
	top    int
	// generation grows with each change of resource. Answers to requests of an earlier one are void.
	generation int
	// loading is true while a page is being read, and when that has failed until the server answers again.
	loading, stalled bool
}

// show begins to show the last lines of a resource, "" for all: at first those at hand.
func (p *pane) show(resource string, recent []*line) {
	*p = pane{resource: resource, generation: p.generation + 1, follow: true, end: true}
	p.add(recent)
}

func (p *pane) wants(l *line) bool { return p.resource == "" || p.resource == l.Resource }

// add adds those of the lines that the pane shows and doesn't have.
func (p *pane) add(lines []*line) {
	if !p.end {
		return
	}
	for _, l := range lines {
		if p.wants(l) && (len(p.lines) == 0 || l.Seq > p.lines[len(p.lines)-1].Seq) {
			p.append(l)
		}
	}
	if extra := len(p.lines) - windowLines; extra > 0 && (p.follow || p.top >= extra) {
		p.lines, p.top, p.start = slices.Clone(p.lines[extra:]), p.top-extra, false
	} else if extra > 0 {
		p.lines, p.end = p.lines[:windowLines], false
	}
}

// maxJoined bounds a line that is put together, as a bar of progress may never end its line.
const maxJoined = 64 << 10

// append adds a line, or the rest of the last line.
func (p *pane) append(l *line) {
	if last := len(p.lines) - 1; l.Continues && last >= 0 && p.lines[last].Resource == l.Resource &&
		len(p.lines[last].Text) < maxJoined {
		l = joined(p.lines[last], l)
		p.lines[last] = l
		return
	}
	p.lines = append(p.lines, l)
}

// joined is a line whose end was written after its beginning.
func joined(beginning, end *line) *line {
	whole := *end
	whole.Text, whole.Continues = beginning.Text+end.Text, beginning.Continues
	return &whole
}

// index is the index of the first line whose number is at least seq.
func (p *pane) index(seq int64) int {
	return sort.Search(len(p.lines), func(i int) bool { return p.lines[i].Seq >= seq })
}

// first is the index of the first line that's shown on so many rows.
func (p *pane) first(rows int) int {
	last := max(0, len(p.lines)-rows)
	if p.follow {
		return last
	}
	return max(0, min(p.top, last))
}

// scroll moves by so many lines, negative for up. At the end it follows.
func (p *pane) scroll(by, rows int) {
	p.top = max(0, p.first(rows)+by)
	p.follow = p.end && p.top >= len(p.lines)-rows
}

// missing is the page that the pane needs to show what's looked at, nil if it has all.
func (p *pane) missing(rows int) *page {
	if p.loading || len(p.lines) == 0 {
		return nil
	}
	switch top := p.first(rows); {
	case !p.start && top == 0 && (!p.follow || len(p.lines) < rows):
		return &page{resource: p.resource, before: p.lines[0].Seq, last: true, limit: pageLines}
	case !p.end && top+rows >= len(p.lines):
		return &page{resource: p.resource, since: p.lines[len(p.lines)-1].Seq + 1, limit: pageLines}
	}
	return nil
}

// loaded is the answer to a page. Those of one moment are joined by what's at hand.
func (p *pane) loaded(asked page, lines []*line, recent []*line) {
	p.loading, p.stalled = false, false
	switch {
	case asked.before > 0: // Lines before the first.
		p.start = len(lines) < asked.limit
		p.lines = append(slices.Clip(lines), p.lines...)
		p.top += len(lines)
		if len(p.lines) > windowLines && !p.follow {
			p.lines, p.end = p.lines[:windowLines], false
		}
	case asked.last: // The end of the log.
		p.lines, p.start, p.end = lines, len(lines) < asked.limit, true
		p.add(recent)
	default:
		p.end = len(lines) < asked.limit
		for _, l := range lines {
			p.append(l)
		}
		p.add(recent)
	}
}

// jump shows the lines around one, which the pane didn't have.
func (p *pane) jump(before, after []*line, recent []*line) {
	p.loading, p.follow = false, false
	p.lines = append(before, after...)
	p.start, p.end = len(before) < pageLines, len(after) < pageLines
	p.top = len(before)
	p.add(recent)
}
