// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// localPrefix begins each line that a command of local() writes.
const localPrefix = " → "

// localOutput is what a command writes. It's shown as it comes and kept, up to a
// limit.
type localOutput struct {
	// most is how many bytes of each stream are kept.
	most int64
	// stop ends the command.
	stop context.CancelCauseFunc

	mu             sync.Mutex
	stdout, stderr localStream
}

// newLocalOutput returns an output that's shown by writers of open, which may be
// nil, until it's closed.
func newLocalOutput(most int64, stop context.CancelCauseFunc, open func() io.WriteCloser) *localOutput {
	o := &localOutput{most: most, stop: stop}
	for _, s := range []*localStream{&o.stdout, &o.stderr} {
		s.output = o
		if open != nil {
			s.shown = open()
		}
	}
	return o
}

// close ends what's shown. Nothing is written any more.
func (o *localOutput) close() error {
	var errs []error
	for _, s := range []*localStream{&o.stdout, &o.stderr} {
		if s.shown != nil {
			errs = append(errs, s.shown.Close())
		}
	}
	return errors.Join(errs...)
}

// localStream is one of the streams of a command.
type localStream struct {
	output *localOutput
	kept   bytes.Buffer
	// shown takes what's shown, nil if nothing is. begun is true within a line of it.
	shown io.WriteCloser
	begun bool
}

var _ io.Writer = (*localStream)(nil)

// Write keeps and shows what a command writes, and stops a command that writes
// too much.
func (s *localStream) Write(p []byte) (int, error) {
	s.output.mu.Lock()
	defer s.output.mu.Unlock()
	if int64(s.kept.Len()+len(p)) > s.output.most {
		err := explainDataSize(tooLarge{"the output of the command", s.output.most})
		s.output.stop(err)
		return 0, err
	}
	s.kept.Write(p)
	if s.shown == nil {
		return len(p), nil
	}
	if _, err := s.shown.Write(s.prefixed(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// prefixed is p with a prefix before each line.
func (s *localStream) prefixed(p []byte) []byte {
	text := make([]byte, 0, len(p)+len(localPrefix))
	for line := range bytes.Lines(p) {
		if !s.begun {
			text = append(text, localPrefix...)
		}
		text = append(text, line...)
		s.begun = line[len(line)-1] != '\n'
	}
	return text
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

// empty is true when nothing was written.
func (o *localOutput) empty() bool {
	return o.stdout.kept.Len() == 0 && o.stderr.kept.Len() == 0
}
