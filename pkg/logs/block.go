// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"iter"
	"slices"
	"strings"
	"time"
)

// blockOverhead is what a block takes beside the text, about.
const blockOverhead = 160

// block is a run of lines of one source that were written at once. It isn't
// changed after it was put into a store.
type block struct {
	// first is the sequence number of the first line.
	first uint64
	// before is how many lines of the source were written before.
	before uint64
	time   time.Time
	source *source
	// writer is what the lines were written to, nil for those of Append.
	writer *Writer
	level  Level
	lines
}

// lines are texts, each followed by "\n" but for a last one that has only begun.
// Where they end isn't kept: to find it is as fast, and two bytes of text
// shouldn't take four more.
type lines struct {
	text  string
	count int
	// continues is true if the first one continues the last one of the lines before.
	continues bool
}

// begun tells whether the last line has no end yet.
func (l lines) begun() bool { return l.count > 0 && !strings.HasSuffix(l.text, "\n") }

// all yields the texts from index first on, each with its index.
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

// from returns the text from the line with the index first on.
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

// line returns the line with the index i and a text.
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

// tail returns the last n lines, or all if there are fewer, the last one first.
func (b *block) tail(n int) []Line {
	first := max(0, b.count-n)
	tail := make([]Line, 0, b.count-first)
	for i, text := range b.all(first) {
		tail = append(tail, b.line(i, text))
	}
	slices.Reverse(tail)
	return tail
}
