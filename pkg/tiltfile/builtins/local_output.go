// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"bytes"
	"context"
	"io"
	"sync"

	"tilt.dev/session/pkg/tiltfile/data"
)

// outputPrefix begins each line that a command of local() writes.
const outputPrefix = " → "

// output keeps what a command writes to one of its streams, up to a limit, and shows it at once.
type output struct {
	mu    *sync.Mutex
	limit int64
	// stop ends the command.
	stop context.CancelCauseFunc
	kept bytes.Buffer
	// shown takes what is shown, nil for nothing. inLine is true within a line.
	shown  io.WriteCloser
	inLine bool
}

var _ io.Writer = (*output)(nil)

// newOutput returns an output. The outputs of one command share mu, so that their lines don't mix.
func newOutput(mu *sync.Mutex, limit int64, stop context.CancelCauseFunc, open func() io.WriteCloser) *output {
	o := &output{mu: mu, limit: limit, stop: stop}
	if open != nil {
		o.shown = open()
	}
	return o
}

// Write stops a command that writes more than the limit.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if int64(o.kept.Len()+len(p)) > o.limit {
		err := data.Explain(data.TooLarge{What: "the output of the command", Limit: o.limit})
		o.stop(err)
		return 0, err
	}
	o.kept.Write(p)
	if o.shown == nil {
		return len(p), nil
	}
	var shown []byte
	for line := range bytes.Lines(p) {
		if !o.inLine {
			shown = append(shown, outputPrefix...)
		}
		shown = append(shown, line...)
		o.inLine = line[len(line)-1] != '\n'
	}
	if _, err := o.shown.Write(shown); err != nil {
		return 0, err
	}
	return len(p), nil
}

// close ends what is shown. The command has ended before.
func (o *output) close() error {
	if o.shown == nil {
		return nil
	}
	return o.shown.Close()
}
