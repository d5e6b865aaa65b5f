// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// chunk is the largest number of bytes in one Write of an Output.
	chunk = 32 << 10
	// leftover is about how many bytes are read from a pipe after the group has
	// ended. An ordinary user can't make a pipe larger than that on Linux.
	leftover = 1 << 20
)

// buffers are shared by all outputs. An output holds one only while there is
// something to copy, so that silent processes take no memory for it.
var buffers = sync.Pool{New: func() any { return new([chunk]byte) }}

// output copies what a process writes from its pipe to a writer.
type output struct {
	pipe *os.File
	// writeEnd is for the process alone.
	writeEnd *os.File
	to       io.Writer
	// done is closed when copy returns.
	done chan struct{}
}

// newOutputs returns outputs for which copy isn't running yet: one for stdout
// and stderr together, or one for each if they have different writers.
func newOutputs(spec Spec) ([]*output, error) {
	out, err := newOutput(spec.Output)
	if err != nil || spec.Stderr == nil {
		return []*output{out}, err
	}
	errOut, err := newOutput(spec.Stderr)
	if err != nil {
		out.closeWriteEnd()
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

// closeWriteEnd closes the end that the process has, or would have had. This
// process wrote nothing to it, so an error loses nothing.
func (o *output) closeWriteEnd() { _ = o.writeEnd.Close() }

// copy writes everything to the writer until no process has the pipe open for writing, or until finish.
func (o *output) copy() {
	defer close(o.done)
	defer o.pipe.Close()
	raw, err := o.pipe.SyscallConn()
	for more := true; more && err == nil; {
		// Read checks for finish before each chunk.
		err = raw.Read(func(fd uintptr) bool {
			more, err = o.copyAvailable(int(fd), 1)
			return !errors.Is(err, unix.EAGAIN)
		})
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		_ = raw.Control(func(fd uintptr) { _, _ = o.copyAvailable(int(fd), leftover) })
	}
}

// copyAvailable writes what is in the pipe, without waiting for more, until it has written enough bytes. It reports
// whether the pipe may have more; the error is that of the last read, EAGAIN if the pipe is empty.
func (o *output) copyAvailable(fd, enough int) (more bool, err error) {
	buf := buffers.Get().(*[chunk]byte)
	defer buffers.Put(buf)
	for copied := 0; copied < enough; {
		n, err := unix.Read(fd, buf[:])
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil || n <= 0:
			return false, err
		}
		copied += n
		if _, err := o.to.Write(buf[:n]); err != nil {
			o.to = io.Discard // The process must not block.
		}
	}
	return true, nil
}

// finish waits until everything in the pipe has been written. It doesn't wait
// for processes that still have the pipe open. The group must be empty.
func (o *output) finish() {
	// An expired deadline ends a wait of Read and doesn't interrupt a Write. It fails only if copy has closed the pipe.
	_ = o.pipe.SetReadDeadline(time.Unix(1, 0))
	<-o.done
}
