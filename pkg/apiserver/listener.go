// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// listener tracks its open connections, so that the server can close them and wait for their first requests. It serves
// connections to a loopback address that begin as HTTP without TLS by plain.
type listener struct {
	net.Listener
	// open has each *connection by its remote address.
	open  sync.Map
	plain plainServer
}

func newListener(inner net.Listener) *listener {
	l := &listener{Listener: inner}
	l.plain.address = inner.Addr()
	return l
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	arrived := make(chan struct{})
	c := &connection{Conn: inner, listener: l, arrived: arrived, arrive: sync.OnceFunc(func() { close(arrived) })}
	l.open.Store(inner.RemoteAddr().String(), c)
	return c, nil
}

// connections returns the open connections.
func (l *listener) connections() (all []*connection) {
	l.open.Range(func(_, c any) bool {
		all = append(all, c.(*connection))
		return true
	})
	return all
}

// cutUntil closes all open connections, and those that the server still accepts until it has stopped.
func (l *listener) cutUntil(stopped <-chan struct{}) {
	again := time.NewTicker(lingerTime)
	defer again.Stop()
	for {
		for _, c := range l.connections() {
			_ = c.Conn.Close() // the handler's next read or write fails
		}
		select {
		case <-stopped:
			return
		case <-again.C:
		}
	}
}

// connection is one that the TLS server has accepted. The TLS server reads its first bytes in a goroutine of the
// connection, and for as long as its ReadHeaderTimeout. Read moves the connection to the plain server if these bytes
// aren't TLS; for the TLS server, the handshake has then failed.
type connection struct {
	net.Conn
	listener *listener
	// arrived is closed by arrive, after the first request or when the connection is closed.
	arrived <-chan struct{}
	arrive  func()
	// begun is true after the first bytes. Only Read uses it.
	begun bool
	// owned is set by the first of Close and the move to the plain server.
	owned atomic.Bool
	// moved is true if that was the move.
	moved atomic.Bool
}

// errMoved ends the handshake of a connection that the plain server serves.
var errMoved = errors.New("the connection is served without TLS")

// Read implements net.Conn.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.begun || n == 0 {
		return n, err
	}
	c.begun = true
	if !c.listener.plain.serves(c.LocalAddr(), p[0]) {
		return n, err
	}
	if !c.owned.CompareAndSwap(false, true) {
		return 0, net.ErrClosed
	}
	c.moved.Store(true)
	c.arrive() // a browser isn't waited for
	c.listener.plain.serve(&plainConnection{connection: c, begin: bytes.Clone(p[:n])})
	return 0, errMoved
}

// Close implements net.Conn. It does nothing to a connection that has moved.
func (c *connection) Close() error {
	if !c.owned.CompareAndSwap(false, true) && c.moved.Load() {
		return nil
	}
	return c.close()
}

func (c *connection) close() error {
	c.arrive()
	c.listener.open.CompareAndDelete(c.RemoteAddr().String(), c)
	return c.Conn.Close()
}

// withArrivals records the first request of each connection.
func withArrivals(handler http.Handler, l *listener) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if c, ok := l.open.Load(request.RemoteAddr); ok {
			c.(*connection).arrive()
		}
		handler.ServeHTTP(w, request)
	})
}

// Arrived blocks until each open connection has had its first request or is closed. It returns an error if ctx is
// done before. Clients can connect as soon as the server listens: those that connect before Arrived see a Session
// that is created after it from its beginning.
func (s *Server) Arrived(ctx context.Context) error {
	for _, c := range s.config.listener.connections() {
		select {
		case <-c.arrived:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
