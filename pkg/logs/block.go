// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import "time"

// What a block and each of its lines take beside the text, about.
const (
	blockOverhead = 160
	lineOverhead  = 4
)

// block is a run of lines of one source that were written at once. It isn't
// changed after it was put into a store.
type block struct {
	// first is the sequence number of the first line.
	first uint64
	// before is how many lines of the source were written before.
	before uint64
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
		Seq:       b.first + uint64(i),
		Time:      b.time,
		Source:    b.source.name,
		Level:     b.level,
		Continued: i > 0 && b.level != LevelInfo,
		Text:      b.at(i),
	}
}
