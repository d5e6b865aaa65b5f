// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// lines are texts one after the other, and where each ends.
type lines struct {
	text string
	ends []uint32
}

func (l lines) at(i int) string {
	start := uint32(0)
	if i > 0 {
		start = l.ends[i-1]
	}
	return l.text[start:l.ends[i]]
}

// splitter cuts a stream of bytes into lines. The lines don't depend on how the
// stream was cut into pieces.
type splitter struct {
	// limit is the most bytes that a line has, at least utf8.UTFMax.
	limit int
	// rest is the beginning of a line whose end hasn't come, at most limit and
	// one byte, which may belong to the line's end.
	rest []byte
	// text and ends are the lines since the last take.
	text []byte
	ends []uint32
}

// write takes the next piece of the stream.
func (s *splitter) write(p []byte) {
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			break
		}
		if len(s.rest) == 0 {
			s.end(p[:end])
		} else {
			s.rest = append(s.rest, p[:end]...)
			s.end(s.rest)
			s.rest = s.rest[:0]
		}
		p = p[end+1:]
	}
	s.rest = append(s.rest, p...)
	s.cutRest()
}

// flush ends a line that has begun.
func (s *splitter) flush() {
	if len(s.rest) > 0 {
		s.end(s.rest)
		s.rest = nil
	}
}

// take returns the lines since the last time.
func (s *splitter) take() lines {
	taken := lines{text: string(s.text), ends: slices.Clone(s.ends)}
	s.text, s.ends = s.text[:0], s.ends[:0]
	return taken
}

// end adds a line that's complete but may still have a carriage return, in pieces if
// it's too long.
func (s *splitter) end(line []byte) {
	line = bytes.TrimSuffix(line, []byte{'\r'})
	for len(line) > s.limit {
		n := s.piece(line)
		s.add(line[:n])
		line = line[n:]
	}
	s.add(line)
}

// cutRest adds the pieces of an incomplete line that's too long already.
func (s *splitter) cutRest() {
	cut := 0
	for len(s.rest)-cut > s.limit+1 {
		n := s.piece(s.rest[cut:])
		s.add(s.rest[cut : cut+n])
		cut += n
	}
	if cut > 0 {
		s.rest = append(s.rest[:0], s.rest[cut:]...)
	}
}

// piece returns how much of a line that's longer than the limit comes first.
func (s *splitter) piece(line []byte) int {
	for n := s.limit; n > s.limit-utf8.UTFMax; n-- {
		if n > 0 && utf8.RuneStart(line[n]) {
			return n
		}
	}
	return s.limit
}

func (s *splitter) add(line []byte) {
	s.text = append(s.text, line...)
	s.ends = append(s.ends, uint32(len(s.text)))
}
