// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// proxy forwards connections to a server, and can cut all of them. Its goroutines end with the test.
type proxy struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	open   map[net.Conn]struct{}
}

// newProxy returns a proxy for an address on a free port of the loopback interface.
func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, target: target, open: map[net.Conn]struct{}{}}
	p.running.Go(func() { p.accept(t) })
	t.Cleanup(p.close)
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) accept(t *testing.T) {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("proxy: %v", err)
			}
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			t.Errorf("proxy: %v", err)
			_ = client.Close()
			continue
		}
		p.pass(client, server)
	}
}

// pass copies both ways until either side ends, or they are cut.
func (p *proxy) pass(client, server net.Conn) {
	end := func() {
		_ = client.Close()
		_ = server.Close()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		end()
		return
	}
	p.open[client], p.open[server] = struct{}{}, struct{}{}
	for from, to := range map[net.Conn]net.Conn{client: server, server: client} {
		p.running.Go(func() {
			// How it ends is what the test is about.
			_, _ = io.Copy(to, from)
			end()
			p.forget(from)
		})
	}
}

func (p *proxy) forget(connection net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, connection)
}

// cut ends every connection without an orderly end.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for connection := range p.open {
		if connection, ok := connection.(*net.TCPConn); ok {
			_ = connection.SetLinger(0)
		}
		_ = connection.Close()
	}
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cut()
	p.running.Wait()
}
