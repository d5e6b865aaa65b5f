// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"bytes"
	"slices"
	"time"
)

// What a block and each of its lines take beside the text, about.
const (
	blockOverhead = 160
	lineOverhead  = 4
)

// block is a run of lines of one source that were written at once. It isn't
// changed after it was put into a store.
type block struct {
	// first is the sequence number of the first line.
	first  uint64
	time   time.Time
	source *source
	level  Level
	lines
}

// after is the sequence number that follows the last line.
func (b *block) after() uint64 { return b.first + uint64(len(b.ends)) }

func (b *block) size() int { return len(b.text) + lineOverhead*len(b.ends) + blockOverhead }

// line returns the line with the index i.
func (b *block) line(i int) Line {
	return Line{
		Seq:    b.first + uint64(i),
		Time:   b.time,
		Source: b.source.name,
		Level:  b.level,
		Text:   b.at(i),
	}
}

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

// builder collects lines. It can be used again after take.
type builder struct {
	text []byte
	ends []uint32
}

// add adds a line that's not too long.
func (b *builder) add(line []byte) {
	b.text = append(b.text, line...)
	b.ends = append(b.ends, uint32(len(b.text)))
}

// addLine adds a line whose end was removed but for a carriage return, in pieces
// if it's too long.
func (b *builder) addLine(line []byte) {
	line = bytes.TrimSuffix(line, []byte{'\r'})
	for len(line) > MaxLine {
		n := piece(line)
		b.add(line[:n])
		line = line[n:]
	}
	b.add(line)
}

// take returns what was added since the last time.
func (b *builder) take() lines {
	taken := lines{text: string(b.text), ends: slices.Clone(b.ends)}
	b.text, b.ends = b.text[:0], b.ends[:0]
	return taken
}
