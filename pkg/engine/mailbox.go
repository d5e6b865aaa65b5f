// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "sync"

// message is something that has happened or is wanted. The loop applies it to
// its state; nobody else calls apply.
type message interface {
	apply(l *loop)
}

// mailbox is an unbounded queue of messages: whoever puts one in never blocks
// and needs nobody to take it out.
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

// put adds a message, or drops it and returns false if nobody will read it any
// more.
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

// take returns what was put since the last call, in that order.
func (m *mailbox) take() []message {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.messages
	m.messages = nil
	return taken
}

// close refuses what is put from now on and returns what's left.
func (m *mailbox) close() []message {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	left := m.messages
	m.messages = nil
	return left
}
