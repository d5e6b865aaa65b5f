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
	// most is how many bytes of each stream are kept.
	most int64
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
	if int64(s.kept.Len()+len(p)) > s.output.most {
		err := fmt.Errorf("the command writes more than %d bytes", s.output.most)
		s.output.stop(err)
		return 0, err
	}
	s.kept.Write(p)
	if s.output.show != nil {
		s.showLines(s.kept.Len() - len(p))
	}
	return len(p), nil
}

// showLines shows the lines that end at a position or after it.
func (s *localStream) showLines(from int) {
	for {
		length := bytes.IndexByte(s.kept.Bytes()[from:], '\n')
		if length < 0 {
			return
		}
		s.show(from + length)
		from = s.shown + 1
		s.shown = from
	}
}

// show shows the part of a line from what was shown last to a position.
func (s *localStream) show(end int) {
	s.output.show(strings.TrimSuffix(string(s.kept.Bytes()[s.shown:end]), "\r"))
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
		if o.show != nil && s.shown < s.kept.Len() {
			s.show(s.kept.Len())
		}
	}
}

// empty is true when nothing was written.
func (o *localOutput) empty() bool {
	return o.stdout.kept.Len() == 0 && o.stderr.kept.Len() == 0
}
