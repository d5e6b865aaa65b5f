// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
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
	// buffers are lent while there's something to carry, so that those of a
	// thousand silent servers don't lie around.
	buffers *buffers
	done    chan struct{}
}

// buffers are pieces of memory that outputs take turns with.
type buffers struct{ pool sync.Pool }

func newBuffers() *buffers {
	return &buffers{sync.Pool{New: func() any { return new([chunk]byte) }}}
}

func (b *buffers) get() *[chunk]byte    { return b.pool.Get().(*[chunk]byte) }
func (b *buffers) put(buf *[chunk]byte) { b.pool.Put(buf) }

// newOutputs returns outputs that wait for copy: one for stdout and stderr, or
// one for each if they go different ways.
func newOutputs(spec Spec, b *buffers) ([]*output, error) {
	out, err := newOutput(spec.Output, b)
	if err != nil || spec.Stderr == nil {
		return []*output{out}, err
	}
	errOut, err := newOutput(spec.Stderr, b)
	if err != nil {
		out.giveAway()
		_ = out.pipe.Close()
		return nil, err
	}
	return []*output{out, errOut}, nil
}

func newOutput(to io.Writer, b *buffers) (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	if to == nil {
		to = io.Discard
	}
	return &output{pipe: r, writeEnd: w, to: to, buffers: b, done: make(chan struct{})}, nil
}

// giveAway closes the end that the process has, or would have had. Nothing was
// written to it from here, so there's nothing to lose.
func (o *output) giveAway() { _ = o.writeEnd.Close() }

// copy writes everything to the writer until nobody can write to the pipe any
// more, or until finish.
func (o *output) copy() {
	defer close(o.done)
	defer o.pipe.Close()
	raw, err := o.pipe.SyscallConn()
	for err == nil {
		var more bool
		more, err = o.copyOnce(raw)
		if !more {
			break
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		o.copyLeftover(raw)
	}
}

// copyOnce waits until there's something in the pipe and writes it. There's no
// more to come after the end of the file or an error.
func (o *output) copyOnce(raw syscall.RawConn) (more bool, err error) {
	var buf *[chunk]byte
	var n int
	var readErr error
	err = raw.Read(func(fd uintptr) bool {
		buf = o.buffers.get()
		n, readErr = read(int(fd), buf[:])
		if errors.Is(readErr, unix.EAGAIN) {
			o.buffers.put(buf)
			buf = nil
			return false
		}
		return true
	})
	if buf == nil {
		return false, err
	}
	defer o.buffers.put(buf)
	if err != nil || readErr != nil || n <= 0 {
		return false, err
	}
	o.write(buf[:n])
	return true, nil
}

// read repeats what a signal interrupts.
func read(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Read(fd, p)
		if !errors.Is(err, unix.EINTR) {
			return n, err
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
func (o *output) copyLeftover(raw syscall.RawConn) {
	buf := o.buffers.get()
	defer o.buffers.put(buf)
	// The pipe doesn't block, so a read fails when there's no more.
	_ = raw.Control(func(fd uintptr) {
		for total := 0; total < leftover; {
			n, err := read(int(fd), buf[:])
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
