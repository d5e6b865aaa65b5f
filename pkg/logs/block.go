// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"iter"
	"strings"
	"time"
)

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

// all yields the lines from index first on, each with its index.
func (l lines) all(first int) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for i, text := first, l.from(first); text != ""; i++ {
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

// line returns the line with index i and a text.
func (b *block) line(i int, text string) Line {
	return Line{
		Seq:       b.first + uint64(i),
		Time:      b.time,
		Source:    b.source.name,
		Level:     b.level,
		Continued: i > 0 && b.level != LevelInfo,
		Continues: i == 0 && b.continues,
		Text:      text,
	}
}
