// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tail reads the log of a container, with times, from a stream, and reads on from another one at the right line
// when that breaks.
package tail

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"time"
)

// Position is how far a log was read. Its lines have times that hardly ever repeat, so that reading can go on at the
// right line after a stream broke.
type Position struct {
	// Last is the time of the last line. Before the first one it's the time from which on lines are shown.
	Last time.Time
	// count is how many lines with that time were read.
	count int
}

// Longest is the longest line, with its time, that is shown in one piece.
const Longest = 256 << 10

// Copy shows the lines of a stream that weren't read yet. A line at the end without a line end is shown if the log is
// complete, and is otherwise left for the next stream. A line without a time is what the kubelet itself says.
//
// The rest of a line longer than Longest is lost if its stream breaks within.
func (p *Position) Copy(stream io.Reader, complete bool, emit func(line []byte, ofKubelet bool)) error {
	r := bufio.NewReaderSize(stream, Longest)
	again := 0 // How many lines of the last time have come again.
	for {
		line, err := r.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		switch {
		case err != nil && !long && err != io.EOF:
			return err
		case err == io.EOF && (len(line) == 0 || !complete):
			return nil
		}
		at, text, ok := cutTime(bytes.TrimRight(line, "\r\n"))
		known := ok && p.read(at, &again)
		if !known {
			emit(text, !ok)
		}
		for ; long; long = errors.Is(err, bufio.ErrBufferFull) {
			// The rest of a line that is too long is shown as further lines.
			line, err = r.ReadSlice('\n')
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) && err != io.EOF {
				return err
			}
			if rest := bytes.TrimRight(line, "\r\n"); len(rest) > 0 && !known {
				emit(rest, false)
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

// read says whether the line of a time was read before. If not, it counts as read from now on.
func (p *Position) read(at time.Time, again *int) bool {
	switch {
	case at.Before(p.Last):
		return true
	case at.Equal(p.Last):
		if *again++; *again <= p.count {
			return true
		}
		p.count++
	default:
		p.Last, p.count, *again = at, 1, 1
	}
	return false
}

// cutTime splits a line into its time and its text.
func cutTime(line []byte) (at time.Time, text []byte, ok bool) {
	before, after, _ := bytes.Cut(line, []byte(" "))
	at, err := time.Parse(time.RFC3339Nano, string(before))
	if err != nil {
		return time.Time{}, line, false
	}
	return at, after, true
}
