// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

// listener knows the connections that it has accepted and that are still open,
// so that they can be cut, and waited for.
type listener struct {
	net.Listener

	mu sync.Mutex
	// open has the connections by the address of their other end.
	open map[string]*connection
}

func newListener(inner net.Listener) *listener {
	return &listener{Listener: inner, open: map[string]*connection{}}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: inner, listener: l, arrived: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[inner.RemoteAddr().String()] = c
	return c, nil
}

// connections are those that are open now.
func (l *listener) connections() []*connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.open))
}

// arrive says that there was a request from an address.
func (l *listener) arrive(remote string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.open[remote]; c != nil {
		c.arrive()
	}
}

// cutUntil closes every open connection, and those that are still accepted until
// the server has stopped.
func (l *listener) cutUntil(stopped <-chan struct{}) {
	again := time.NewTicker(lingerTime)
	defer again.Stop()
	for {
		for _, c := range l.connections() {
			// The handler of the connection finds out by its next read or write.
			_ = c.Conn.Close()
		}
		select {
		case <-stopped:
			return
		case <-again.C:
		}
	}
}

type connection struct {
	net.Conn
	listener *listener
	// arrived is closed when there was a request, or there won't be one.
	arrived chan struct{}
	// known is true when arrived is closed. The listener's lock guards it.
	known bool
}

// arrive is called with the listener's lock held.
func (c *connection) arrive() {
	if !c.known {
		c.known = true
		close(c.arrived)
	}
}

// Close implements net.Conn.
func (c *connection) Close() error {
	remote := c.RemoteAddr().String()
	c.listener.mu.Lock()
	c.arrive()
	if c.listener.open[remote] == c {
		delete(c.listener.open, remote)
	}
	c.listener.mu.Unlock()
	return c.Conn.Close()
}
