// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "sync"

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
	left := m.messages
	m.messages = nil
	return left
}
