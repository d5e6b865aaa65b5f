// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package block prints the output of each target in one piece, for logs of CI systems, where the lines of targets that
// run at the same time are hard to read between each other.
//
// The piece of a job is printed when the job has ended, folded if it has succeeded. What servers write is printed at
// the end of the run, and only that of servers that weren't fine.
package block

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/text"
)

// Output is the log of a CI system that folds parts of it.
type Output interface {
	// Write writes text that is shown as it is, whatever it holds.
	io.Writer
	// Fold begins a part with a title and a name, about what began at a time. Unfold ends it, and tells when that ended.
	Fold(title, name string, began time.Time) error
	Unfold(ended time.Time) error
}

// Printer prints the lines of a run in blocks. It is not safe for concurrent use.
type Printer struct {
	out    Output
	style  logs.Style
	pieces map[string]*piece
	// next is the number after that of the last line.
	next uint64
	// printed counts the blocks and notes.
	printed int
	// late are ends that came before the last lines of their targets.
	late []End
}

// NewPrinter returns a printer for consecutive lines. The caller closes it.
func NewPrinter(out Output, style logs.Style) *Printer {
	return &Printer{out: out, style: style, pieces: map[string]*piece{}, next: 1}
}

// Printed counts the blocks and notes that have been printed.
func (p *Printer) Printed() int { return p.printed }

// Note prints a line of the run as a whole.
func (p *Printer) Note(line string) error {
	p.printed++
	_, err := fmt.Fprintln(p.out, text.Plain(line))
	return err
}

// End is the end of a job.
type End struct {
	// Target is its name, Source what its lines come from, and EndLine the number of the first line after them.
	Target, Source string
	EndLine        uint64
	// Title says how it has ended, in one line. Failed is true unless it has succeeded.
	Title  string
	Failed bool
	// Start and Finish are when it began and ended.
	Start, Finish time.Time
}

// Line takes a line, before which some of its source may be missing.
func (p *Printer) Line(line logs.Line, missed uint64) error {
	p.next = line.Seq
	if err := p.printLate(); err != nil {
		return err
	}
	p.next++
	piece := p.pieces[line.Source]
	if piece == nil {
		piece = newPiece(line, p.style)
		p.pieces[line.Source] = piece
	}
	if err := piece.printer.PrintLine(line, missed); err != nil {
		return err
	}
	return p.printLate()
}

// Ended takes the end of a job. It is printed as soon as its last line has come.
func (p *Printer) Ended(e End) error {
	p.late = append(p.late, e)
	return p.printLate()
}

// printLate prints the blocks of those jobs that have ended and whose lines have all come.
func (p *Printer) printLate() error {
	for len(p.late) > 0 {
		i := slices.IndexFunc(p.late, func(e End) bool { return e.EndLine <= p.next })
		if i < 0 {
			return nil
		}
		e := p.late[i]
		p.late = slices.Delete(p.late, i, i+1)
		if err := p.print(e); err != nil {
			return err
		}
	}
	return nil
}

// print prints the block of a job.
func (p *Printer) print(e End) error {
	p.printed++
	piece := p.pieces[e.Source]
	delete(p.pieces, e.Source)
	title := text.Plain(e.Title)
	if e.Failed || piece == nil {
		return p.open(title, piece)
	}
	if err := p.out.Fold(title, e.Target, e.Start); err != nil {
		return err
	}
	if err := piece.writeTo(p.out); err != nil {
		return err
	}
	return p.out.Unfold(e.Finish)
}

// open prints a block that isn't folded. Its piece may be nil.
func (p *Printer) open(title string, piece *piece) error {
	_, err := fmt.Fprintln(p.out, title)
	if err == nil && piece != nil {
		err = piece.writeTo(p.out)
	}
	return err
}

// Close prints what hasn't been printed, of those sources that have a title.
func (p *Printer) Close(title func(source string) string) error {
	for _, e := range p.late {
		if err := p.print(e); err != nil {
			return err
		}
	}
	p.late = nil
	var rest []*piece
	for _, piece := range p.pieces {
		rest = append(rest, piece)
	}
	slices.SortFunc(rest, func(a, b *piece) int { return cmp.Compare(a.first, b.first) })
	omitted := 0
	for _, piece := range rest {
		title := title(piece.source)
		if title == "" {
			omitted++
			continue
		}
		if err := p.open(text.Plain(title), piece); err != nil {
			return err
		}
	}
	clear(p.pieces)
	if omitted == 0 {
		return nil
	}
	_, err := fmt.Fprintf(p.out, "Left out: the output of resources that were fine (%d). --stream shows all.\n", omitted)
	return err
}
