// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package logs keeps what commands and the engine write, line by line, in
// memory of a fixed size, to be read per source or followed in order.
//
// A line that has begun is kept, and shown, when its source writes nothing for a
// while: as a line without an end, which the source's next one continues.
//
// A line ends with "\n" or "\r\n", which are not part of it. All other bytes are kept
// as they were written: escape sequences, lone carriage returns, NUL, and what isn't
// UTF-8, so that a terminal gets what the command meant for it; whoever encodes a
// line as JSON has invalid UTF-8 replaced by the encoder. Longer lines than
// MaxLine are split, between two characters where the text is UTF-8.
//
// When the store is full, lines go: the oldest of the source that holds the
// most. So a source that writes little keeps its lines whatever the others do.
package logs

import "time"

// MaxLine is the most bytes that a line has.
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
	// Time is when the line's end was written, or that it had begun was noticed.
	Time time.Time
	// Source is the name of a resource, model.TiltfileResource for the Tiltfile.
	Source string
	Level  Level
	// Continued is true for all but the first line of a warning or an error.
	Continued bool
	// Continues is true if the line goes on where an earlier one of the source ended,
	// whose end hadn't been written yet.
	Continues bool
	// Text has no line end.
	Text string
}
