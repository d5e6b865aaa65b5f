// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package dockerapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Position is how far the log of a container was read. The zero value is its beginning. Reading goes on at the right
// line after a stream broke: the times of lines never fall within one of the two streams that a container writes.
type Position struct {
	// Since is the time from which lines are shown, by the clock of the engine.
	Since time.Time
	// read are stdout and stderr.
	read [2]struct {
		// last is the time of the last line, and count how many lines with that time were read.
		last  time.Time
		count int
	}
}

// overlap is how much is read again, because the engine may write lines of stdout and stderr out of order.
const overlap = time.Second

// start is the time from which the next stream has to come.
func (p *Position) start() time.Time {
	last := p.read[0].last
	if p.read[1].last.After(last) {
		last = p.read[1].last
	}
	if last = last.Add(-overlap); last.After(p.Since) {
		return last
	}
	return p.Since
}

// Logs shows the log of a container from a position on, each piece with the line end that it has. It returns nil at the
// end of the log: when the container has ended or, without follow, at once. Pieces are valid until emit returns.
func (c *Client) Logs(ctx context.Context, id string, tty, follow bool, p *Position, emit func([]byte)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	query := url.Values{"stdout": {"1"}, "stderr": {"1"}, "timestamps": {"1"}}
	if follow {
		query.Set("follow", "1")
	}
	if start := p.start(); start.Unix() > 0 {
		query.Set("since", timestamp(start))
	}
	response, err := c.call(ctx, http.MethodGet, "/containers/"+id+"/logs", query)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if tty {
		return copyLines(response.Body, p, emit)
	}
	return copyFrames(response.Body, p, emit)
}

// resumption drops what a position has had already from one stream.
type resumption struct {
	*Position
	// fresh is true once a line is new: all that follow are. again is how many lines of the last time have come again.
	fresh [2]bool
	again [2]int
}

// isNew reports whether a line wasn't read before, and counts it as read.
func (r *resumption) isNew(stream int, at time.Time) bool {
	read := &r.read[stream]
	switch {
	case r.fresh[stream]:
	case at.Before(read.last):
		return false
	case at.Equal(read.last):
		if r.again[stream]++; r.again[stream] <= read.count {
			return false
		}
	}
	r.fresh[stream] = true
	if !at.Equal(read.last) {
		read.last, read.count = at, 0
	}
	read.count++
	return true
}

// A frame is a header and a payload. The header has the stream in its first byte and the length of the payload, most
// significant byte first, in its last four.
const (
	headerLength = 8
	streamStdout = 1
	streamStderr = 2
	// streamError has what the engine itself says of the log.
	streamError = 3
	// longestFrame is more than an engine sends in one piece of a line, which is 16 KiB and a time.
	longestFrame = 1 << 20
)

// copyFrames shows the log of a container without a terminal: each frame is a line or a piece of one, with its time.
func copyFrames(stream io.Reader, p *Position, emit func([]byte)) error {
	in := bufio.NewReaderSize(stream, 64<<10)
	resume := resumption{Position: p}
	var header [headerLength]byte
	var payload []byte
	for {
		if _, err := io.ReadFull(in, header[:]); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("read the log: %w", err)
		}
		length := int(binary.BigEndian.Uint32(header[4:]))
		source := int(header[0])
		if length > longestFrame || source > streamError {
			return fmt.Errorf("read the log: a frame of stream %d with %d bytes isn't one of an engine", source, length)
		}
		if cap(payload) < length {
			payload = make([]byte, length)
		}
		payload = payload[:length]
		if _, err := io.ReadFull(in, payload); err != nil {
			return fmt.Errorf("read the log: %w", errors.Join(io.ErrUnexpectedEOF, err))
		}
		if source == streamError {
			return &Error{Status: http.StatusInternalServerError, Message: string(bytes.TrimSpace(payload))}
		}
		show(&resume, max(source, streamStdout)-streamStdout, payload, emit)
	}
}

// longestLine is the longest line of a container with a terminal that is shown in one piece.
const longestLine = 64 << 10

// copyLines shows the log of a container with a terminal: lines with their times.
func copyLines(stream io.Reader, p *Position, emit func([]byte)) error {
	in := bufio.NewReaderSize(stream, longestLine)
	resume := resumption{Position: p}
	shown := true
	for continues := false; ; {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 && !continues {
			shown = show(&resume, 0, line, emit)
		} else if len(line) > 0 && shown {
			emit(line)
		}
		continues = errors.Is(err, bufio.ErrBufferFull)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !continues:
			return fmt.Errorf("read the log: %w", err)
		}
	}
}

// show shows a line that begins with its time, unless it was read before. A line without a time is always shown.
func show(r *resumption, stream int, line []byte, emit func([]byte)) bool {
	stamp, text, _ := bytes.Cut(line, []byte(" "))
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	if err != nil {
		emit(line)
		return true
	}
	if !r.isNew(stream, at) {
		return false
	}
	emit(text)
	return true
}
