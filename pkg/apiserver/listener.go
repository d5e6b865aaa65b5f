// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// listener tracks its open connections, so that the server can close them and wait for their first requests.
type listener struct {
	net.Listener
	// open has each *connection by its remote address.
	open sync.Map
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

type connection struct {
	net.Conn
	listener *listener
	// arrived is closed by arrive, after the first request or when the connection is closed.
	arrived <-chan struct{}
	arrive  func()
}

// Close implements net.Conn.
func (c *connection) Close() error {
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
