// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// chunk is the most that one Write of an Output gets.
	chunk = 32 << 10
	// leftover is the most that is read from a pipe after the group has ended.
	// It's the largest that an ordinary user can make a pipe on Linux.
	leftover = 1 << 20
)

// output carries what a process writes from its pipe to a writer.
type output struct {
	pipe *os.File
	// writeEnd is for the process alone.
	writeEnd *os.File
	to       io.Writer
	done     chan struct{}
}

// newOutputs returns outputs that wait for copy: one for stdout and stderr, or
// one for each if they go different ways.
func newOutputs(spec Spec) ([]*output, error) {
	out, err := newOutput(spec.Output)
	if err != nil || spec.Stderr == nil {
		return []*output{out}, err
	}
	errOut, err := newOutput(spec.Stderr)
	if err != nil {
		out.giveAway()
		_ = out.pipe.Close()
		return nil, err
	}
	return []*output{out, errOut}, nil
}

func newOutput(to io.Writer) (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	if to == nil {
		to = io.Discard
	}
	return &output{pipe: r, writeEnd: w, to: to, done: make(chan struct{})}, nil
}

// giveAway closes the end that the process has, or would have had. Nothing was
// written to it from here, so there's nothing to lose.
func (o *output) giveAway() { _ = o.writeEnd.Close() }

// copy writes everything to the writer until nobody can write to the pipe any
// more, or until finish.
func (o *output) copy() {
	defer close(o.done)
	defer o.pipe.Close()
	buf := make([]byte, chunk)
	for {
		n, err := o.pipe.Read(buf)
		o.write(buf[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			o.copyLeftover(buf)
			return
		}
		if err != nil {
			return
		}
	}
}

// finish returns when everything that's in the pipe was written. It doesn't
// wait for processes that still have the pipe open. The group must be empty.
func (o *output) finish() {
	// An expired deadline wakes a reader that waits, and interrupts no Write. It
	// fails only when the pipe has been closed already.
	_ = o.pipe.SetReadDeadline(time.Unix(1, 0))
	<-o.done
}

// copyLeftover writes what is in the pipe now.
func (o *output) copyLeftover(buf []byte) {
	raw, err := o.pipe.SyscallConn()
	if err != nil {
		return
	}
	// The pipe doesn't block, so a read fails when there's no more.
	_ = raw.Control(func(fd uintptr) {
		for total := 0; total < leftover; {
			n, err := unix.Read(int(fd), buf)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil || n <= 0 {
				return
			}
			o.write(buf[:n])
			total += n
		}
	})
}

// write gives up on a writer that fails, so that the process isn't held up.
func (o *output) write(p []byte) {
	if len(p) == 0 {
		return
	}
	if _, err := o.to.Write(p); err != nil {
		o.to = io.Discard
	}
}
