// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	testserver "tilt.dev/session/pkg/testing/server"
)

// connection sends HTTP/1.1 requests on one connection until the server closes it. A
// client of net/http sometimes closes a connection itself.
type connection struct {
	address string
	config  *tls.Config
	// made counts connections.
	made *atomic.Int64

	open    net.Conn
	answers *bufio.Reader
	// closes is true once the server has closed the connection.
	closes bool
}

var _ http.RoundTripper = (*connection)(nil)

func newConnection(url string, config *tls.Config, made *atomic.Int64) *connection {
	config = config.Clone()
	config.NextProtos = []string{"http/1.1"}
	return &connection{address: strings.TrimPrefix(url, "https://"), config: config, made: made}
}

// dial connects unless there is an open connection. It is closed with the context.
func (c *connection) dial(ctx context.Context) error {
	if c.open != nil && !c.closes {
		return nil
	}
	if c.open != nil {
		_ = c.open.Close()
	}
	open, err := (&tls.Dialer{Config: c.config}).DialContext(ctx, "tcp", c.address)
	if err != nil {
		return err
	}
	c.made.Add(1)
	c.open, c.answers = open, bufio.NewReader(open)
	context.AfterFunc(ctx, func() { _ = open.Close() })
	return nil
}

// RoundTrip implements http.RoundTripper. The caller must read the response to its end before the next request.
func (c *connection) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := c.dial(request.Context()); err != nil {
		return nil, err
	}
	if err := request.Write(c.open); err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(c.answers, request)
	c.closes = err != nil || response.Close
	return response, err
}

// speaksHTTP2 reports whether the server speaks HTTP/2 with a client that prefers it.
func speaksHTTP2(t testing.TB, server *testserver.Server, config *tls.Config) bool {
	t.Helper()
	config = config.Clone()
	config.NextProtos = []string{"h2", "http/1.1"}
	conn, err := tls.Dial("tcp", strings.TrimPrefix(server.Access().URL, "https://"), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.ConnectionState().NegotiatedProtocol == "h2"
}
