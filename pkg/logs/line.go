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

import "time"

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
	// Text has no line end.
	Text string
}
