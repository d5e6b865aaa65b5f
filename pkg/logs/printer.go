// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"fmt"
	"io"
	"strings"
)

const (
	// pieceSize is how many bytes are written at once if there are so many.
	pieceSize = 64 << 10
	// timestamp is RFC 3339 with microseconds.
	timestamp = "2006-01-02T15:04:05.000000Z07:00"
)

// Printer writes lines as people read them: after the time if that's wanted, the
// name of the resource, and a mark where a warning or an error begins. A line that
// has only begun is left open, and goes on in its place unless another source
// writes meanwhile. It isn't for concurrent use.
type Printer struct {
	w     io.Writer
	timed bool
	// open is what the line was written to that was printed last and has no end yet.
	open *Writer
	// piece is what's going to be written next.
	piece []byte
}

// NewPrinter returns a printer of batches that are read one after the other. The
// caller closes it.
func NewPrinter(w io.Writer, timestamps bool) *Printer {
	return &Printer{w: w, timed: timestamps}
}

// Print writes the lines of a batch, with a note wherever some are missing.
func (p *Printer) Print(b Batch) error {
	for _, part := range b.parts {
		if err := p.add(part); err != nil {
			return err
		}
	}
	return p.write()
}

// Close writes the end of a line that has only begun.
func (p *Printer) Close() error {
	p.endLine()
	return p.write()
}

func (p *Printer) add(part part) error {
	continues := part.continues && part.first == 0 && part.missed == 0
	if !continues || p.open != part.writer {
		p.endLine()
	}
	if part.missed > 0 {
		p.piece = fmt.Appendf(p.piece, "[%d lines of %s were written faster than they could be printed, and are missing here]\n",
			part.missed, part.source.name)
	}
	mark := severity(part.line(part.first, ""))
	for text := part.from(part.first); text != ""; mark, continues = "", false {
		end := strings.IndexByte(text, '\n') + 1
		if end == 0 {
			end = len(text)
		}
		// The end alone of a line that others have ended already says nothing.
		if p.open != nil || !continues || text[:end] != "\n" {
			p.addLine(part, mark, text[:end])
		}
		p.open = nil
		text = text[end:]
		if len(p.piece) < pieceSize {
			continue
		}
		if err := p.write(); err != nil {
			return err
		}
	}
	if part.begun() {
		p.open = part.writer
	}
	return nil
}

// addLine adds a line, or the rest of the one that's open.
func (p *Printer) addLine(part part, mark, text string) {
	if p.open == nil {
		if p.timed {
			p.piece = append(part.time.UTC().AppendFormat(p.piece, timestamp), ' ')
		}
		p.piece = append(p.piece, part.source.prefix...)
		p.piece = append(p.piece, mark...)
	}
	p.piece = append(p.piece, text...)
}

func (p *Printer) endLine() {
	if p.open != nil {
		p.piece = append(p.piece, '\n')
		p.open = nil
	}
}

func (p *Printer) write() error {
	if len(p.piece) == 0 {
		return nil
	}
	_, err := p.w.Write(p.piece)
	p.piece = p.piece[:0]
	return err
}
