// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"sync"
	"sync/atomic"
)

// message is an event or a request. Only the loop calls apply, which changes its state.
type message interface {
	apply(l *loop)
}

// mailbox is an unbounded queue of messages. Putting a message never blocks.
type mailbox struct {
	// filled holds a value while there may be messages.
	filled chan struct{}

	mu       sync.Mutex
	messages []message
	closed   bool
}

func newMailbox() *mailbox {
	return &mailbox{filled: make(chan struct{}, 1)}
}

// put adds a message. If the mailbox is closed, put drops the message and returns false.
func (m *mailbox) put(msg message) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.messages = append(m.messages, msg)
	select {
	case m.filled <- struct{}{}:
	default:
	}
	return true
}

// take returns the messages since the last call, in order.
func (m *mailbox) take() []message {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.messages
	m.messages = nil
	return taken
}

// close makes put drop messages, and returns the remaining ones.
func (m *mailbox) close() []message {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return m.messages
}

// request is a function that a caller wants the loop to call.
type request struct {
	do func(*loop) error
	// taken is set by the loop before it calls do, or by a caller that stops
	// waiting, after which the loop doesn't call do.
	taken atomic.Bool
	// answer has a buffer for err, the only answer.
	answer chan error
	err    error
}

// ask lets the loop call do, and returns its error once a snapshot shows what it did. If ctx is done first, do is
// never called. do may write variables of the caller.
func (e *Engine) ask(ctx context.Context, do func(*loop) error) error {
	r := &request{do: do, answer: make(chan error, 1)}
	if !e.mailbox.put(r) {
		return ErrEnded
	}
	select {
	case err := <-r.answer:
		return err
	case <-ctx.Done():
	}
	if r.taken.Swap(true) {
		return <-r.answer
	}
	return ctx.Err()
}

func (r *request) apply(l *loop) {
	switch {
	case r.taken.Swap(true):
	case l.stopping:
		r.answer <- ErrEnded
	default:
		r.err = r.do(l)
		l.handled = append(l.handled, r)
	}
}

// reply answers the handled requests.
func (l *loop) reply() {
	for _, r := range l.handled {
		r.answer <- r.err
	}
	l.handled = nil
}
