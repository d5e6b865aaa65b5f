// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package block

import (
	"bytes"
	"fmt"
	"io"

	"tilt.dev/session/pkg/logs"
)

// maxPiece is how many bytes of a source are kept until they are printed.
const maxPiece = 1 << 20

// piece is what a source has written since its last block: the whole of it, or its head and its tail.
type piece struct {
	source  string
	first   uint64
	printer *logs.Printer
	head    []byte
	// tail are the last writes, tailSize their bytes. omitted counts the lines between the head and the tail.
	tail     [][]byte
	tailSize int
	omitted  int
}

func newPiece(first logs.Line, style logs.Style) *piece {
	p := &piece{source: first.Source, first: first.Seq}
	p.printer = logs.NewPrinter(p, style)
	return p
}

// Write adds a line, or a part of one.
func (p *piece) Write(line []byte) (int, error) {
	if p.tail == nil && len(p.head)+len(line) <= maxPiece/2 {
		p.head = append(p.head, line...)
		return len(line), nil
	}
	p.tail = append(p.tail, bytes.Clone(line))
	p.tailSize += len(line)
	for p.tailSize > maxPiece/2 && len(p.tail) > 1 {
		p.tailSize -= len(p.tail[0])
		p.omitted += bytes.Count(p.tail[0], []byte("\n"))
		p.tail[0] = nil
		p.tail = p.tail[1:]
	}
	return len(line), nil
}

// writeTo writes the piece, which isn't used any more.
func (p *piece) writeTo(w io.Writer) error {
	if err := p.printer.Close(); err != nil {
		return err
	}
	if p.omitted > 0 {
		p.head = fmt.Appendf(p.head, "… %d lines left out, see --log-dir …\n", p.omitted)
	}
	for _, part := range append([][]byte{p.head}, p.tail...) {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}
