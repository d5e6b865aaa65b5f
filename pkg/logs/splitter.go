// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"bytes"
	"unicode/utf8"
)

// splitter cuts a stream of bytes into lines. The lines don't depend on how the
// stream was cut into pieces.
type splitter struct {
	// rest is the beginning of a line whose end hasn't come, at most MaxLine and
	// one byte, which may belong to the line's end.
	rest []byte
}

// split adds the lines that are complete with p to the builder.
func (s *splitter) split(p []byte, to *builder) {
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			break
		}
		if len(s.rest) == 0 {
			to.addLine(p[:end])
		} else {
			s.rest = append(s.rest, p[:end]...)
			to.addLine(s.rest)
			s.rest = s.rest[:0]
		}
		p = p[end+1:]
	}
	s.rest = append(s.rest, p...)
	s.cutRest(to)
}

// flush adds what there is of an incomplete line.
func (s *splitter) flush(to *builder) {
	if len(s.rest) > 0 {
		to.addLine(s.rest)
		s.rest = nil
	}
}

// cutRest adds the pieces of an incomplete line that's too long already.
func (s *splitter) cutRest(to *builder) {
	cut := 0
	for len(s.rest)-cut > MaxLine+1 {
		n := piece(s.rest[cut:])
		to.add(s.rest[cut : cut+n])
		cut += n
	}
	if cut > 0 {
		s.rest = append(s.rest[:0], s.rest[cut:]...)
	}
}

// piece returns how much of a line that's longer than MaxLine comes first.
func piece(line []byte) int {
	for n := MaxLine; n > MaxLine-utf8.UTFMax; n-- {
		if utf8.RuneStart(line[n]) {
			return n
		}
	}
	return MaxLine
}
