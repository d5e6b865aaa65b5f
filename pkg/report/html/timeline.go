// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package html

import (
	"fmt"
	"slices"
	"time"

	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/view"
)

const (
	// rowHeight is that of a row in pixels, and axisHeight that of the axis above them.
	rowHeight, axisHeight = 22, 24
	// maxEdges is how many dependencies are drawn.
	maxEdges = 2000
)

// timeline is a chart of when targets waited and ran. Positions along its axis are percentages, so that texts keep
// their size however wide it is.
type timeline struct {
	Height  int
	Chained bool
	Ticks   []tick
	Rows    []bars
	Edges   []edge
}

// tick is a line of the axis, with a label at it, after the first line and before the last.
type tick struct{ X, Label, Anchor string }

// bars are those of one target.
type bars struct {
	Name, Sign, Label, Took string
	Chain                   bool
	Bars                    []bar
}

type bar struct {
	Class, X, Width string
	Y, Height       int
}

// edge leads from the end of a target down or up to the row of another one, and along that to its start.
type edge struct {
	Class  string
	X1, X2 string
	Y1, Y2 int
}

// newTimeline is the chart of a run, nil if nothing has begun.
func newTimeline(r *report.Report) *timeline {
	var ran []*report.Target
	for i := range r.Targets {
		if t := &r.Targets[i]; !t.Started.IsZero() {
			ran = append(ran, t)
		}
	}
	if len(ran) == 0 || r.Took() == 0 {
		return nil
	}
	slices.SortStableFunc(ran, func(a, b *report.Target) int { return a.Started.Compare(b.Started) })
	chart := &timeline{Height: axisHeight + rowHeight*len(ran), Chained: len(r.Chain) > 0, Ticks: ticks(r.Took())}
	index := map[string]int{}
	for i, t := range ran {
		index[t.Name] = i
		chart.Rows = append(chart.Rows, newBars(r, t, axisHeight+rowHeight*i))
	}
	for i, t := range ran {
		for _, need := range t.Needs {
			if from, ok := index[need]; ok && len(chart.Edges) < maxEdges {
				chart.Edges = append(chart.Edges, newEdge(r, ran[from], t, from, i))
			}
		}
	}
	return chart
}

func newBars(r *report.Report, t *report.Target, y int) bars {
	row := bars{
		Name: t.Name, Sign: sign(t), Chain: linkOf(r, t) >= 0, Took: took(r.Ran(t)),
		Label: fmt.Sprintf("%s: %s", t.Name, t.State),
	}
	if waited := took(t.Waited()); waited != "" {
		row.Label += ", waited " + waited
	}
	if row.Took != "" {
		row.Label += ", took " + row.Took
	}
	add := func(class string, from, to time.Time, y, height int) {
		x1, x2 := share(r, from), share(r, to)
		row.Bars = append(row.Bars, bar{class, percent(x1), percent(max(x2-x1, 0.15)), y, height})
	}
	if !t.Queued.IsZero() && t.Started.After(t.Queued) {
		add("wait", t.Queued, t.Started, y+9, 4)
	}
	begun := t.Started.Add(r.Ran(t))
	classes := class(t)
	if row.Chain {
		row.Sign = "◆ " + row.Sign
		classes += " chain"
	}
	if t.Phase == session.PhaseReady {
		add("up", begun, r.End, y+4, 14)
	}
	add("run "+classes, t.Started, begun, y+4, 14)
	return row
}

// newEdge is the dependency of the target to, in the row with that index, on from.
func newEdge(r *report.Report, from, to *report.Target, fromRow, toRow int) edge {
	e := edge{
		Class: "dep", X1: percent(share(r, from.Started.Add(r.Ran(from)))), X2: percent(share(r, to.Started)),
		Y1: axisHeight + rowHeight*fromRow + 11, Y2: axisHeight + rowHeight*toRow + 11,
	}
	if link := linkOf(r, from); link >= 0 && linkOf(r, to) == link+1 {
		e.Class = "dep chain"
	}
	return e
}

// linkOf is the index of a target in the longest chain, -1 if it isn't in it.
func linkOf(r *report.Report, t *report.Target) int {
	return slices.IndexFunc(r.Chain, func(l report.Link) bool { return l.Target == t.Name })
}

// share is the part of the run before a moment, in percent.
func share(r *report.Report, at time.Time) float64 {
	return min(100, max(0, 100*at.Sub(r.Start).Seconds()/r.Took().Seconds()))
}

func percent(share float64) string { return fmt.Sprintf("%.2f%%", share) }

// ticks are those of the axis of a run that took so long, at most seven.
func ticks(took time.Duration) (all []tick) {
	const ms, s, m, h = time.Millisecond, time.Second, time.Minute, time.Hour
	steps := []time.Duration{ms, 2 * ms, 5 * ms, 10 * ms, 20 * ms, 50 * ms, 100 * ms, 200 * ms, 500 * ms, s, 2 * s, 5 * s,
		10 * s, 30 * s, m, 2 * m, 5 * m, 10 * m, 30 * m}
	step := h
	for took/step > 6 {
		step *= 2
	}
	if i := slices.IndexFunc(steps, func(step time.Duration) bool { return took/step <= 6 }); i >= 0 {
		step = steps[i]
	}
	for at := time.Duration(0); at <= took; at += step {
		share, anchor := 100*at.Seconds()/took.Seconds(), "middle"
		switch {
		case at == 0:
			anchor = "start"
		case share > 95:
			anchor = "end"
		}
		all = append(all, tick{percent(share), view.Duration(at), anchor})
	}
	return all
}

// class is the colour of a target, and sign tells it apart without colours.
func class(t *report.Target) string {
	switch {
	case t.Phase == session.PhaseFailed:
		return "failed"
	case t.Unfinished:
		return "unfinished"
	}
	return ""
}

func sign(t *report.Target) string {
	switch class(t) {
	case "failed":
		return "✗ "
	case "unfinished":
		return "… "
	}
	return ""
}
