// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package vip is the address of a service: each connection to it is one to some
// endpoint, which it stays with, as it is with a ClusterIP.
package vip

import (
	"io"
	"net"
	"sync"
	"testing"
)

// VIP listens until the test ends.
type VIP struct {
	t        testing.TB
	listener net.Listener
	resolve  func() (string, error)
	passing  sync.WaitGroup

	mu   sync.Mutex
	open map[net.Conn]struct{}
}

// Start listens on a free port of the loopback interface. Who connects is passed on to
// the address that resolve returns, or cut if that's an error.
func Start(t testing.TB, resolve func() (string, error)) *VIP {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &VIP{t: t, listener: listener, resolve: resolve, open: map[net.Conn]struct{}{}}
	v.passing.Go(v.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		v.mu.Lock()
		for connection := range v.open {
			_ = connection.Close()
		}
		v.open = nil
		v.mu.Unlock()
		v.passing.Wait()
	})
	return v
}

// Port is what it listens on.
func (v *VIP) Port() int32 { return int32(v.listener.Addr().(*net.TCPAddr).Port) }

// accept ends when the listener is closed.
func (v *VIP) accept() {
	for {
		client, err := v.listener.Accept()
		if err != nil {
			return
		}
		v.passing.Go(func() { v.pass(client) })
	}
}

// pass copies both ways until both sides have ended.
func (v *VIP) pass(client net.Conn) {
	defer func() { _ = client.Close() }()
	address, err := v.resolve()
	if err != nil {
		return
	}
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	if !v.keep(client, server) {
		return
	}
	defer v.forget(client, server)
	var copying sync.WaitGroup
	for from, to := range map[net.Conn]net.Conn{client: server, server: client} {
		copying.Go(func() {
			// How a connection ends is for both sides to know.
			_, _ = io.Copy(to, from)
			_ = to.(*net.TCPConn).CloseWrite()
		})
	}
	copying.Wait()
}

// keep remembers connections to be closed at the end, unless that has come.
func (v *VIP) keep(connections ...net.Conn) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.open == nil {
		return false
	}
	for _, connection := range connections {
		v.open[connection] = struct{}{}
	}
	return true
}

func (v *VIP) forget(connections ...net.Conn) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, connection := range connections {
		delete(v.open, connection)
	}
}
