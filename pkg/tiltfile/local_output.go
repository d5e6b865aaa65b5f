// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
)

// localPrefix begins each line that a command of local() writes.
const localPrefix = " → "

// localOutput is what a command writes. It's shown line by line and kept, up to
// a limit.
type localOutput struct {
	// show gets each line, never two at a time. Nil shows nothing.
	show func(line string)
	// stop ends the command.
	stop context.CancelCauseFunc

	mu             sync.Mutex
	stdout, stderr localStream
}

// localStream is one of the streams of a command.
type localStream struct {
	output *localOutput
	// kept is all that was written, and shown how much of it was shown.
	kept  bytes.Buffer
	shown int
}

var _ io.Writer = (*localStream)(nil)

// Write keeps and shows what a command writes, and stops a command that writes
// too much.
func (s *localStream) Write(p []byte) (int, error) {
	s.output.mu.Lock()
	defer s.output.mu.Unlock()
	if s.kept.Len()+len(p) > maxReadSize {
		err := fmt.Errorf("the command writes more than %d bytes", maxReadSize)
		s.output.stop(err)
		return 0, err
	}
	s.kept.Write(p)
	for {
		end := bytes.IndexByte(s.kept.Bytes()[s.shown:], '\n')
		if end < 0 {
			return len(p), nil
		}
		s.showUntil(s.shown + end)
		s.shown++
	}
}

// showUntil shows the part of a line from what was shown last to a position.
func (s *localStream) showUntil(end int) {
	if s.output.show != nil {
		s.output.show(strings.TrimSuffix(string(s.kept.Bytes()[s.shown:end]), "\r"))
	}
	s.shown = end
}

// text is all that was written.
func (s *localStream) text() string { return s.kept.String() }

// end is the end of what was written, short enough for a message.
func (s *localStream) end() string {
	const most = 8 << 10
	text := s.text()
	if len(text) <= most {
		return text
	}
	return fmt.Sprintf("... %d bytes ...", len(text)-most) + strings.ToValidUTF8(text[len(text)-most:], "")
}

// flush shows last lines that have no line break. Nothing is written any more.
func (o *localOutput) flush() {
	for _, s := range []*localStream{&o.stdout, &o.stderr} {
		if s.shown < s.kept.Len() {
			s.showUntil(s.kept.Len())
		}
	}
}

// empty is true when nothing was written.
func (o *localOutput) empty() bool {
	return o.stdout.kept.Len() == 0 && o.stderr.kept.Len() == 0
}
