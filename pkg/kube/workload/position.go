// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"time"
)

// position is how far a log was read. Its lines have times that hardly ever repeat, so that reading can go on at the
// right line after a stream broke.
type position struct {
	// last is the time of the last line, and count how many lines with that time were read.
	last  time.Time
	count int
}

// longest is the longest line that is shown in one piece.
const longest = 256 << 10

// copy shows the lines of a stream that weren't read yet. A line at the end without a line end is shown if the log is
// complete, and is otherwise left for the next stream.
func (p *position) copy(stream io.Reader, complete bool, emit func(line []byte)) error {
	r := bufio.NewReaderSize(stream, longest)
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
		switch {
		case !ok:
			// The kubelet itself says something.
			emit([]byte(withHint(string(text))))
		case !known:
			emit(text)
		}
		for ; long; long = errors.Is(err, bufio.ErrBufferFull) {
			// The rest of a line that is too long is shown as further lines.
			line, err = r.ReadSlice('\n')
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) && err != io.EOF {
				return err
			}
			if rest := bytes.TrimRight(line, "\r\n"); len(rest) > 0 && !known {
				emit(rest)
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

// read says whether the line of a time was read before. If not, it counts as read from now on.
func (p *position) read(at time.Time, again *int) bool {
	switch {
	case at.Before(p.last):
		return true
	case at.Equal(p.last):
		if *again++; *again <= p.count {
			return true
		}
		p.count++
	default:
		p.last, p.count, *again = at, 1, 1
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
