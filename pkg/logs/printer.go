// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"tilt.dev/session/pkg/model"
)

const (
	// pieceSize is about the largest number of bytes in one write.
	pieceSize = 64 << 10
	// timestamp is RFC 3339 with microseconds.
	timestamp = "2006-01-02T15:04:05.000000Z07:00"
	// leastWidth is the least number of columns for names, which is Tilt's.
	leastWidth = 13
	// runningCommand begins what the run says of a command that it starts.
	runningCommand = "Running cmd: "
)

// Style is how lines are printed. The zero Style prints the name of the resource before the text.
type Style struct {
	// ASCII is true for a terminal that may not show other characters than those of ASCII.
	ASCII bool
	// Nameless omits the names.
	Nameless bool
	// Timed begins each line with its time: in RFC 3339, or unless Start is zero in seconds since then.
	Timed bool
	Start time.Time
}

// Printer writes lines for people: an optional time, the name of the resource, a mark where a warning or an error
// begins, and the text. It leaves an unfinished line open, and continues it in place unless another source writes
// meanwhile. It omits the empty lines by which the run separates its own messages, and marks a command that it starts.
//
// Names are never cut. They end in the same column, which is as wide as the longest name known so far; only the names
// of images, which may be very long, don't widen it. Lines of the Tiltfile have no name.
//
// It is not safe for concurrent use.
type Printer struct {
	w     io.Writer
	style Style
	// width is that of the column of names. prefixes are what is printed before the text of a source.
	width    int
	prefixes map[string]string
	// open is the writer of the last printed line if that line is unfinished.
	open openLine
	// piece is the text of the next write.
	piece []byte
}

// openLine tells the writers of unfinished lines apart. The zero openLine is none.
type openLine struct {
	writer *Writer
	source string
}

// NewPrinter returns a printer for consecutive batches. The caller closes it.
func NewPrinter(w io.Writer, style Style) *Printer {
	return &Printer{w: w, style: style, width: leastWidth, prefixes: map[string]string{}}
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

// PrintLine writes a line that was read elsewhere, with a note if lines before it are missing. Lines of one source that
// several writers leave unfinished at a time are taken for one.
func (p *Printer) PrintLine(line Line, missed uint64) error {
	continues := line.Continues && missed == 0
	if open := (openLine{source: line.Source}); !continues || p.open != open {
		p.endLine()
	}
	p.addMissed(line.Source, missed)
	end := "\n"
	if line.Unfinished {
		end = ""
	}
	if p.open != (openLine{}) || !continues || line.Text != "" {
		p.addLine(line.Time, line.Source, severity(line), p.ownText(line.Own, line.Text+end))
	}
	p.open = openLine{}
	if line.Unfinished {
		p.open = openLine{source: line.Source}
	}
	return p.write()
}

// PrintNote writes a line that is not part of a log, without a name if source is empty.
func (p *Printer) PrintNote(at time.Time, source, text string) error {
	p.endLine()
	p.addLine(at, source, "", text+"\n")
	return p.write()
}

// Widen makes room for the name of a source before a line of it comes.
func (p *Printer) Widen(source string) {
	width := ansi.StringWidth(source)
	if width <= p.width || source == model.TiltfileResource || strings.HasPrefix(source, model.ImagePrefix) {
		return
	}
	p.width = width
	clear(p.prefixes)
}

// Close writes the end of an unfinished line.
func (p *Printer) Close() error {
	p.endLine()
	return p.write()
}

func (p *Printer) add(part part) error {
	continues := part.continues && part.missed == 0
	if !continues || p.open.writer != part.writer {
		p.endLine()
	}
	p.addMissed(part.source.name, part.missed)
	mark, own := severity(part.line(0, "")), part.own()
	for text := part.text; text != ""; mark, continues = "", false {
		end := strings.IndexByte(text, '\n') + 1
		if end == 0 {
			end = len(text)
		}
		// An end alone is no line if the printer has already ended the line.
		if p.open.writer != nil || !continues || text[:end] != "\n" {
			p.addLine(part.time, part.source.name, mark, p.ownText(own, text[:end]))
		}
		p.open = openLine{}
		text = text[end:]
		if len(p.piece) < pieceSize {
			continue
		}
		if err := p.write(); err != nil {
			return err
		}
	}
	if part.unfinished() {
		p.open = openLine{writer: part.writer}
	}
	return nil
}

func (p *Printer) addMissed(source string, missed uint64) {
	if missed > 0 {
		p.piece = fmt.Appendf(p.piece,
			"[%d lines of %s were written faster than they could be printed, and are missing here]\n", missed, source)
	}
}

// addLine adds a line, or the rest of the open line. A line without text and end is none.
func (p *Printer) addLine(at time.Time, source, mark, text string) {
	if text == "" {
		return
	}
	if p.open == (openLine{}) {
		p.addTime(at)
		prefix := p.prefix(source)
		if p.style.Timed && prefix == "" && mark == "" && text == "\n" {
			p.piece = p.piece[:len(p.piece)-1] // No blank ends the line.
		}
		p.piece = append(p.piece, prefix...)
		p.piece = append(p.piece, mark...)
	}
	p.piece = append(p.piece, text...)
}

func (p *Printer) addTime(at time.Time) {
	switch {
	case !p.style.Timed:
	case p.style.Start.IsZero():
		p.piece = append(at.UTC().AppendFormat(p.piece, timestamp), ' ')
	default:
		p.piece = fmt.Appendf(p.piece, "%8.3fs ", max(at.Sub(p.style.Start), 0).Seconds())
	}
}

// ownText is how a line of the run itself is shown, empty for one that only separates others.
func (p *Printer) ownText(own bool, text string) string {
	if !own {
		return text
	}
	if text == "\n" {
		return ""
	}
	command, ok := strings.CutPrefix(text, runningCommand)
	switch {
	case !ok:
		return text
	case p.style.ASCII:
		return "> run: " + command
	default:
		return "▶ run: " + command
	}
}

func (p *Printer) endLine() {
	if p.open != (openLine{}) {
		p.piece = append(p.piece, '\n')
		p.open = openLine{}
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

// prefix is the name of a line's resource with what separates it from the text.
func (p *Printer) prefix(source string) string {
	if source == "" || source == model.TiltfileResource || p.style.Nameless {
		return ""
	}
	prefix, known := p.prefixes[source]
	if !known {
		p.Widen(source)
		separator := "│"
		if p.style.ASCII {
			separator = "|"
		}
		prefix = fmt.Sprintf("%s%s %s ", strings.Repeat(" ", max(0, p.width-ansi.StringWidth(source))), source, separator)
		p.prefixes[source] = prefix
	}
	return prefix
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
