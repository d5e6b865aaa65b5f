// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net"
	"sync"
)

// listener knows the connections that it has accepted and that are still open,
// so that they can be cut.
type listener struct {
	net.Listener

	mu   sync.Mutex
	open map[*connection]struct{}
}

func newListener(inner net.Listener) *listener {
	return &listener{Listener: inner, open: map[*connection]struct{}{}}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: inner, listener: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[c] = struct{}{}
	return c, nil
}

// cut closes every open connection.
func (l *listener) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		// The handler of the connection finds out by its next read or write.
		_ = c.Conn.Close()
	}
}

type connection struct {
	net.Conn
	listener *listener
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.open, c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}
