// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"tilt.dev/session/pkg/watchlimit"
)

// Readers notices that other processes read the kubeconfig file once an entry
// was written to it. One goroutine at a time may use it.
type Readers struct {
	file string
	// queue is the kernel's, which keeps what happens until it's asked for.
	queue   int
	history readers
}

// Readers begins to look for readers. It's meant to be called before Add. The
// caller must Close what it returns, which is nil, and of use all the same, when
// there's no directory yet that somebody could read from.
func (l Location) Readers() (*Readers, error) {
	path, err := resolve(l.File())
	if err != nil {
		return nil, fmt.Errorf("look for readers of the kubeconfig: %w", err)
	}
	dir := filepath.Dir(path)
	if !exists(dir) {
		return nil, nil
	}
	queue, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("look for readers of the kubeconfig: %w", watchlimit.Instance(err))
	}
	if _, err := unix.InotifyAddWatch(queue, dir, unix.IN_OPEN|unix.IN_CLOSE|unix.IN_MOVED_TO|unix.IN_ONLYDIR); err != nil {
		return nil, errors.Join(fmt.Errorf("look for readers in %s: %w", dir, watchlimit.Watch(err)), unix.Close(queue))
	}
	return &Readers{file: filepath.Base(path), queue: queue}, nil
}

// Seen is true once another process has opened the file after an entry was
// written to it, other than to change it. It blocks no longer than patience
// for that to happen, not at all for 0.
func (r *Readers) Seen(patience time.Duration) bool {
	if r == nil {
		return false
	}
	until := time.Now().Add(patience)
	for !r.history.seen {
		if r.drain(); r.history.seen {
			break
		}
		left := time.Until(until).Milliseconds()
		if left <= 0 {
			break
		}
		// An early return is as good as any other.
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(r.queue), Events: unix.POLLIN}}, int(left))
	}
	return r.history.seen
}

// drain records what has happened since it was called last.
func (r *Readers) drain() {
	buffer := make([]byte, 16<<10)
	for {
		n, err := unix.Read(r.queue, buffer)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return // nothing more has happened
		}
		r.take(buffer[:n])
	}
}

// take records events as the kernel writes them: a header whose last field is
// the length of the name that follows, padded with NULs.
func (r *Readers) take(events []byte) {
	for len(events) >= unix.SizeofInotifyEvent {
		mask := binary.NativeEndian.Uint32(events[4:])
		length := int(binary.NativeEndian.Uint32(events[12:]))
		end := min(unix.SizeofInotifyEvent+length, len(events))
		name := string(bytes.TrimRight(events[unix.SizeofInotifyEvent:end], "\x00"))
		events = events[end:]
		switch {
		case name == r.file+".lock" && mask&unix.IN_OPEN != 0:
			r.history.locked()
		case name == r.file+".lock" && mask&unix.IN_CLOSE != 0:
			r.history.unlocked()
		case name != r.file:
		case mask&unix.IN_MOVED_TO != 0:
			r.history.replaced()
		case mask&unix.IN_OPEN != 0:
			r.history.opened()
		}
	}
}

// Close ends the search.
func (r *Readers) Close() error {
	if r == nil {
		return nil
	}
	return unix.Close(r.queue)
}
