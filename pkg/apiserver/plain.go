// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/web"
)

// plainServer serves HTTP without TLS on connections of the listener's port that go to a loopback address. It starts
// with the first of them. It is a net.Listener of its http.Server.
type plainServer struct {
	// handler is nil if nothing is served without TLS. It is set before the first connection is accepted.
	handler http.Handler
	address net.Addr

	mu sync.Mutex
	// server is nil before the first connection.
	server  *http.Server
	stopped bool
	// accepted passes connections to Accept, until closed is closed.
	accepted chan net.Conn
	closed   chan struct{}
	close    func()
	// running has the goroutines of the server and of its connections.
	running sync.WaitGroup
	// connections is how many are open.
	connections atomic.Int64
}

var _ net.Listener = (*plainServer)(nil)

// serves reports whether the server takes over a connection to a local address that begins with a byte. A method of
// HTTP begins with a capital letter, a TLS handshake with 0x16.
func (p *plainServer) serves(local net.Addr, begin byte) bool {
	if p.handler == nil || begin < 'A' || begin > 'Z' {
		return false
	}
	tcp, ok := local.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// serve serves a connection in another goroutine, or closes it if the server has stopped.
func (p *plainServer) serve(c *plainConnection) {
	_ = c.SetDeadline(time.Time{}) // the TLS server has set that of the handshake
	if p.start() {
		select {
		case p.accepted <- c:
			return
		case <-p.closed:
		}
	}
	_ = c.Close()
}

// start starts the server unless it runs. It returns false if the server has stopped.
func (p *plainServer) start() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped || p.server != nil {
		return !p.stopped
	}
	p.accepted, p.closed = make(chan net.Conn), make(chan struct{})
	p.close = sync.OnceFunc(func() { close(p.closed) })
	p.server = web.NewServer(p.handler)
	p.server.ErrorLog, p.server.ConnState = klog.NewStandardLogger("INFO"), p.track
	p.running.Go(func() { _ = p.server.Serve(p) }) // it returns http.ErrServerClosed
	return true
}

// track counts the goroutines of connections.
func (p *plainServer) track(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		p.running.Add(1)
		p.connections.Add(1)
	case http.StateClosed, http.StateHijacked:
		p.connections.Add(-1)
		p.running.Done()
	}
}

// stop ends the server: it waits for requests until ctx is done, closes all connections, and waits for its goroutines.
func (p *plainServer) stop(ctx context.Context) {
	p.mu.Lock()
	p.stopped = true
	server := p.server
	p.mu.Unlock()
	if server == nil {
		return
	}
	if server.Shutdown(ctx) != nil {
		_ = server.Close()
	}
	p.running.Wait()
}

// Accept implements net.Listener.
func (p *plainServer) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepted:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *plainServer) Close() error {
	p.close()
	return nil
}

// Addr implements net.Listener.
func (p *plainServer) Addr() net.Addr { return p.address }

// plainConnection is a connection after the move to the plain server.
type plainConnection struct {
	*connection
	// begin is what the TLS server has read.
	begin []byte
}

// Read implements net.Conn.
func (c *plainConnection) Read(p []byte) (int, error) {
	if len(c.begin) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.begin)
	c.begin = c.begin[n:]
	return n, nil
}

// Close implements net.Conn.
func (c *plainConnection) Close() error { return c.connection.close() }
