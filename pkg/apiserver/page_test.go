// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"io"
	"net"
	"strings"
	"testing"

	"tilt.dev/session/pkg/web"
)

type boundTo struct {
	net.Listener
	address net.Addr
}

func (b boundTo) Addr() net.Addr { return b.address }

func TestPageURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		bound string
		files bool
		hosts []string
		want  string
	}{
		{"127.0.0.1", false, nil, "http://127.0.0.1:10350/ui/"},
		{"127.0.0.2", false, nil, "http://127.0.0.2:10350/ui/"},
		{"::1", false, []string{"dev.test"}, "http://[::1]:10350/ui/"},
		{"0.0.0.0", false, nil, "http://127.0.0.1:10350/ui/"},
		{"::", false, nil, "http://[::1]:10350/ui/"},
		{"192.0.2.1", false, nil, ""},
		{"192.0.2.1", true, nil, "https://192.0.2.1:10350/ui/"},
		{"127.0.0.1", true, nil, "https://localhost:10350/ui/"},
		{"0.0.0.0", true, []string{"dev.test", "other.test"}, "https://dev.test:10350/ui/"},
		{"0.0.0.0", true, []string{"dev.test:8443"}, "https://dev.test:8443/ui/"},
		{"::1", true, []string{"[2001:db8::1]"}, "https://[2001:db8::1]:10350/ui/"},
	} {
		c := &Config{listener: newListener(boundTo{address: &net.TCPAddr{IP: net.ParseIP(test.bound), Port: 10350}}), site: web.New(web.Options{})}
		c.options.Web.AllowedHosts = test.hosts
		if test.files {
			c.options.TLS.CertFile = "server.crt"
		}
		if got, err := c.pageURL(); got != test.want || (err != nil) != (test.want == "") {
			t.Errorf("%s, of files: %v, %q: %s, %v", test.bound, test.files, test.hosts, got, err)
		}
	}
	errs := (&WebOptions{AllowedHosts: []string{"dev.test", "http://dev.test", "*"}}).validate()
	if len(errs) != 2 || !strings.HasPrefix(errs[0].Error(), "--web-allowed-hosts: ") {
		t.Errorf("errors = %v", errs)
	}
}

// memory is a connection that has the same bytes to read forever.
type memory struct {
	net.Conn
	local net.TCPAddr
}

func (m *memory) Read(p []byte) (int, error) { p[0] = 0x16; return len(p), nil }
func (m *memory) LocalAddr() net.Addr        { return &m.local }

var _ io.Reader = (*memory)(nil)

// BenchmarkFirstRead is what the decision between TLS and HTTP costs a TLS connection, in the goroutine that reads it.
// The difference of "first" and "none" is paid once, that of "further" and "none" for each read.
func BenchmarkFirstRead(b *testing.B) {
	inner, buffer := &memory{local: net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}}, make([]byte, 512)
	l := newListener(boundTo{})
	l.plain.handler = web.New(web.Options{})
	c := &connection{Conn: inner, listener: l}
	read := func(name string, from io.Reader, prepare func()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				prepare()
				if n, err := from.Read(buffer); n != len(buffer) || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
	read("none", inner, func() {})
	read("first", c, func() { c.begun = false })
	read("further", c, func() {})
	if l.plain.server != nil {
		b.Error("a server without TLS was started")
	}
}
