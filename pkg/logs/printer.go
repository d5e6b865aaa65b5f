// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"fmt"
	"io"
	"strings"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/text"
)

const (
	// pieceSize is about the largest number of bytes in one write.
	pieceSize = 64 << 10
	// timestamp is RFC 3339 with microseconds.
	timestamp = "2006-01-02T15:04:05.000000Z07:00"
)

// Printer writes lines for people: an optional time, the name of the resource, a mark where a warning or an error
// begins, and the text. It leaves an unfinished line open, and continues it in place unless another source writes
// meanwhile. It is not safe for concurrent use.
type Printer struct {
	w     io.Writer
	timed bool
	// open is the Writer of the last printed line if that line is unfinished.
	open *Writer
	// piece is the text of the next write.
	piece []byte
}

// NewPrinter returns a printer for consecutive batches. The caller closes it.
func NewPrinter(w io.Writer, timestamps bool) *Printer {
	return &Printer{w: w, timed: timestamps}
}

// Print writes the lines of a batch, with a note wherever lines are missing.
func (p *Printer) Print(b Batch) error {
	for _, part := range b.parts {
		if err := p.add(part); err != nil {
			return err
		}
	}
	return p.write()
}

// Close writes the end of an unfinished line.
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
		p.piece = fmt.Appendf(p.piece,
			"[%d lines of %s were written faster than they could be printed, and are missing here]\n",
			part.missed, part.source.name)
	}
	mark := severity(part.line(part.first, ""))
	for text := part.from(part.first); text != ""; mark, continues = "", false {
		end := strings.IndexByte(text, '\n') + 1
		if end == 0 {
			end = len(text)
		}
		// An end alone is no line if the printer has already ended the line.
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
	if part.unfinished() {
		p.open = part.writer
	}
	return nil
}

// addLine adds a line, or the rest of the open line.
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

// prefixWidth is how many characters of a resource's name are shown.
const prefixWidth = 13

// prefix is the name of a line's resource, right-aligned as Tilt aligns it. Lines of the Tiltfile have none.
func prefix(source string) string {
	if source == model.TiltfileResource {
		return ""
	}
	return fmt.Sprintf("%*s │ ", prefixWidth, text.Cut(short(source), prefixWidth))
}

// short is a source without what many have in common: the path of an image's name.
func short(source string) string {
	image, ok := strings.CutPrefix(source, model.ImagePrefix)
	if !ok || len(source) <= prefixWidth {
		return source
	}
	return model.ImagePrefix + image[strings.LastIndexByte(image, '/')+1:]
}

// severity marks the beginning of an error or a warning.
func severity(line Line) string {
	switch {
	case line.Continued:
		return ""
	case line.Level == LevelError:
		return "ERROR: "
	case line.Level == LevelWarn:
		return "WARNING: "
	default:
		return ""
	}
}
