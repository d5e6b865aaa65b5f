// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package block

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/session"
)

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return epoch.Add(time.Duration(seconds * float64(time.Second))) }

// folds is an output that shows where parts begin and end.
type folds struct{ bytes.Buffer }

func (f *folds) Fold(title, name string, began time.Time) error {
	_, err := fmt.Fprintf(f, "<%s|%s|%v\n", title, name, began.Sub(epoch))
	return err
}

func (f *folds) Unfold(ended time.Time) error {
	_, err := fmt.Fprintf(f, ">%v\n", ended.Sub(epoch))
	return err
}

// printer prints to folds, with numbers for the lines.
type printer struct {
	t *testing.T
	*Printer
	out *folds
	seq uint64
}

func newPrinter(t *testing.T) *printer {
	out := &folds{}
	return &printer{t: t, Printer: NewPrinter(out, logs.Style{}), out: out}
}

func (p *printer) lines(source string, texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		p.seq++
		if err := p.Line(logs.Line{Seq: p.seq, Source: source, Text: text}, 0); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *printer) ended(source string, end uint64, failed bool) {
	p.t.Helper()
	e := End{Target: source + ":update", Source: source, EndLine: end, Title: source + " ended", Failed: failed, Start: at(1), Finish: at(3)}
	if err := p.Ended(e); err != nil {
		p.t.Fatal(err)
	}
}

func (p *printer) check(want string) {
	p.t.Helper()
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), p.out.String()); diff != "" {
		p.t.Error(diff)
	}
}

func TestBlocks(t *testing.T) {
	p := newPrinter(t)
	p.lines("a", "a one")
	p.lines("b", "b one")
	p.lines("a", "a two")
	p.check("")
	p.ended("a", 6, false) // Two of its lines haven't been read.
	p.lines("a", "a three")
	p.check("")
	p.lines("b", "b two")
	p.lines("a", "the server of a")
	p.ended("b", 5, true)
	p.lines("fine", "its server")
	p.lines("left", "is left")
	p.ended("silent", 0, false)
	if err := p.Close(func(source string) string {
		return map[string]string{"a": "a failed", "left": "left \x1b[31mwas running"}[source]
	}); err != nil {
		t.Fatal(err)
	}
	p.check(`
<a ended|a:update|1s
            a │ a one
            a │ a two
            a │ a three
>3s
b ended
            b │ b one
            b │ b two
silent ended
a failed
            a │ the server of a
left was running
         left │ is left
Left out: the output of resources that were fine (1). --stream shows all.
`)
}

// An end whose lines never come is printed at the end.
func TestAnEndWithoutItsLines(t *testing.T) {
	p := newPrinter(t)
	p.lines("a", "a one")
	p.ended("a", 100, false)
	if err := p.Close(func(string) string { return "" }); err != nil {
		t.Fatal(err)
	}
	p.check("<a ended|a:update|1s\n            a │ a one\n>3s\n")
}

// Of very much output the head and the tail are kept.
func TestALargeBlock(t *testing.T) {
	p := newPrinter(t)
	for i := range 300 {
		p.lines("a", fmt.Sprint(i, strings.Repeat("x", 10_000)))
	}
	p.ended("a", 0, false)
	got := p.out.String()
	_, after, found := strings.Cut(got, "… 196 lines left out, see --log-dir …\n")
	if len(got) > maxPiece+1000 || !found || !strings.Contains(got, " │ 0x") || !strings.HasPrefix(after, "            a │ 248x") ||
		!strings.Contains(after, " │ 299x") {
		t.Errorf("%d bytes, %.100s", len(got), after)
	}
}

func TestEnds(t *testing.T) {
	build := func(number int, finish float64, err string) *engine.Build {
		return &engine.Build{Number: number, Start: at(1), Finish: at(finish), Error: err, EndLine: uint64(number)}
	}
	job := func(ended ...*engine.Build) *engine.UpdateState {
		return &engine.UpdateState{History: &engine.History{Ended: ended}}
	}
	snap := &engine.Snapshot{
		Tiltfile:  engine.TiltfileState{History: &engine.History{Ended: []*engine.Build{build(1, 1.5, "")}}},
		Resources: []engine.ResourceState{{Name: "a", Update: job(build(2, 4, ""), build(1, 2, "broken\nbadly"))}, {Name: "b", Update: job()}},
		Images:    []engine.ResourceState{{Name: "image:i", Resources: []string{"a"}, Update: job(build(1, 3, ""))}},
	}
	ends := NewEnds()
	titles := func() (titles []string) {
		for _, e := range ends.Next(snap) {
			titles = append(titles, fmt.Sprintf("%s %d %t: %s", e.Source, e.EndLine, e.Failed, e.Title))
		}
		return titles
	}
	want := []string{
		"(Tiltfile) 1 false: ✓ tiltfile:update 500ms", "a 1 true: ✗ a:update failed after 1s: broken",
		"image:i 1 false: ✓ image:i 2s", "a 2 false: ✓ a:update 3s",
	}
	if diff := cmp.Diff(want, titles()); diff != "" {
		t.Error(diff)
	}
	if again := titles(); again != nil {
		t.Errorf("again: %q", again)
	}
	r := &report.Report{Start: epoch, End: at(10), Targets: []report.Target{
		{Name: "a:update", Resources: []string{"a"}, Phase: session.PhaseSucceeded, History: snap.Resources[0].Update.History},
		{Name: "b:update", Resources: []string{"b"}, Phase: session.PhaseSucceeded, History: job(build(1, 5, "")).History},
		{Name: "b:serve", Resources: []string{"b"}, Phase: session.PhaseFailed, Started: at(5), Finished: at(9), Error: "ended"},
		{Name: "c:serve", Resources: []string{"c"}, Phase: session.PhaseActive, State: "not ready", Unfinished: true},
	}}
	if last := ends.Last(r); len(last) != 1 || last[0].Title != "✓ b:update 4s" {
		t.Errorf("last: %v", last)
	}
	if a, b, c := Titles(r)("a"), Titles(r)("b"), Titles(r)("c"); a != "" || b != "✗ b:serve failed after 4s: ended" || c != "… c:serve was not ready" {
		t.Errorf("titles %q, %q, %q", a, b, c)
	}
	ends.seen["b"] = 0
	snap.Resources[1].Update = job(build(1, 9, ""))
	if got := titles(); len(got) != 1 {
		t.Errorf("later: %q", got)
	}
}
