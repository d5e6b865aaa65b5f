// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package logs keeps the output of commands and the messages of the engine, line by line, in memory of a bounded
// size. Readers read the lines of a source, or follow all lines in order.
//
// A line ends with "\n" or "\r\n", which are not part of it. All other bytes stay as they were written: escape
// sequences, lone carriage returns, NUL and invalid UTF-8, so that a terminal shows what the command intended.
// Lines longer than MaxLine are split, between two characters if the text is UTF-8.
//
// If a source stops writing within a line, readers receive the unfinished line
// after a short time. The next line of the source continues it.
//
// When the store is full, it drops the oldest lines of the source that holds the
// most. So a source that writes little keeps its lines, whatever the others do.
package logs

import (
	"iter"
	"strings"
	"time"

	"tilt.dev/session/pkg/model"
)

// MaxLine is the largest number of bytes in a line.
const MaxLine = 64 << 10

// Level is how important a line is.
type Level int

// The levels, in ascending order.
const (
	LevelInfo Level = iota
	LevelWarn
	LevelError
)

// Line is one line of a source.
type Line struct {
	// Seq is 1 for the first line of a store and one more for each that follows.
	Seq uint64
	// Time is when the end of the line was written, or when the unfinished line was stored.
	Time time.Time
	// Source is the name of a resource, model.TiltfileResource for the Tiltfile.
	Source string
	Level  Level
	// Continued is true for all but the first line of a warning or an error.
	Continued bool
	// Continues is true if the line continues an unfinished one of the source.
	Continues bool
	// Unfinished is true if the line had no end yet when it was stored. The next line of its writer continues it.
	Unfinished bool
	// Own is true for what the run itself says of a resource, such as which command it starts, below LevelWarn.
	Own bool
	// Text has no line end.
	Text string
}

// blockOverhead is about how many bytes a block takes besides its text.
const blockOverhead = 160

// block holds consecutive lines of one source that were written at once. It never changes once it is in a store.
type block struct {
	// first is the sequence number of the first line.
	first uint64
	// before counts the earlier lines of the source.
	before uint64
	time   time.Time
	source *source
	// writer is the Writer that received the lines, nil for those of Append.
	writer *Writer
	level  Level
	// continued is true if the first line is Continued.
	continued bool
	lines
}

// lines are texts that each end with "\n", except for an unfinished last line. Their positions aren't stored:
// finding them is fast enough, and storing them would take more memory than short lines do.
type lines struct {
	text  string
	count int
	// continues is true if the first line continues the unfinished line before.
	continues bool
}

// unfinished reports whether the last line has no end yet.
func (l lines) unfinished() bool { return l.count > 0 && !strings.HasSuffix(l.text, "\n") }

// all yields the lines with their indexes.
func (l lines) all() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for i, text := 0, l.text; text != ""; i++ {
			line, rest, _ := strings.Cut(text, "\n")
			if !yield(i, line) {
				return
			}
			text = rest
		}
	}
}

// from returns the text from the line with index first on.
func (l lines) from(first int) string {
	text := l.text
	for range first {
		text = text[strings.IndexByte(text, '\n')+1:]
	}
	return text
}

// after is the sequence number that follows the last line.
func (b *block) after() uint64 { return b.first + uint64(b.count) }

func (b *block) size() int { return len(b.text) + blockOverhead }

// own reports whether the lines are Own. Messages of the Tiltfile are its output.
func (b *block) own() bool {
	return b.writer == nil && b.level == LevelInfo && b.source.name != model.TiltfileResource
}

// cut returns a block with the lines from index first up to index end.
func (b *block) cut(first, end int) *block {
	if first == 0 && end == b.count {
		return b
	}
	cut := *b
	cut.first, cut.before = b.first+uint64(first), b.before+uint64(first)
	cut.continued = first > 0 && b.level != LevelInfo
	text := b.from(first)
	if end < b.count {
		text = text[:len(text)-len(b.from(end))]
	}
	cut.lines = lines{text: text, count: end - first, continues: first == 0 && b.continues}
	return &cut
}

// line returns the line with index i and a text.
func (b *block) line(i int, text string) Line {
	return Line{
		Seq:        b.first + uint64(i),
		Time:       b.time,
		Source:     b.source.name,
		Level:      b.level,
		Continued:  i > 0 && b.level != LevelInfo || b.continued,
		Continues:  i == 0 && b.continues,
		Unfinished: i == b.count-1 && b.unfinished(),
		Own:        b.own(),
		Text:       text,
	}
}
