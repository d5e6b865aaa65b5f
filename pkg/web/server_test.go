// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilt.dev/session/pkg/web"
)

// pipes is a listener without a network, whose connections are in memory.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// A client that hasn't logged in can't hold a connection, whatever it sends and doesn't send.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	const host = " HTTP/1.1\r\nHost: localhost:1\r\n"
	for name, test := range map[string]struct {
		request string
		limit   time.Duration
		code    string
	}{
		"headers":        {"GET /ui/" + host + "X-A: ", 11 * time.Second, ""},
		"a refused body": {"POST " + sessions + host + "Content-Length: 9\r\n\r\n{", 11 * time.Second, "401"},
		"another host":   {"POST /ui/ HTTP/1.1\r\nHost: evil.test\r\nContent-Length: 9\r\n\r\n{", 11 * time.Second, "421"},
		"a chunked body": {"POST /ui/login" + host + "Transfer-Encoding: chunked\r\nX-Tilt-Session: login\r\n" + jsonType + "\r\n\r\n", 11 * time.Second, "400"},
		"a login":        {"POST /ui/login" + host + "X-Tilt-Session: login\r\n" + jsonType + "\r\nContent-Length: 9\r\n\r\n{", 11 * time.Second, "400"},
		"nothing more":   {"GET /ui/login" + host + "\r\n", 91 * time.Second, "200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				listener, server := make(pipes), web.NewServer(newSite(ok))
				ended := make(chan error, 1)
				go func() { ended <- server.Serve(listener) }()
				client, inner := net.Pipe()
				listener <- inner
				began := time.Now()
				go func() { _, _ = io.WriteString(client, test.request) }()
				text, err := io.ReadAll(client)
				if took := time.Since(began); err != nil || took > test.limit {
					t.Errorf("the connection was closed after %s, %v", took, err)
				}
				if line, _, _ := strings.Cut(string(text), "\r\n"); !strings.HasPrefix(line, strings.TrimSpace("HTTP/1.1 "+test.code)) && test.code != "" {
					t.Errorf("the answer is %q", line)
				}
				if err := server.Close(); err != nil {
					t.Error(err)
				}
				<-ended
			})
		})
	}
}

// A login may send a body for as long as the API lets it, and its streams aren't bounded.
func TestSlowLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		site := newSite(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if string(body) != "slow" || err != nil {
				t.Errorf("the body is %q, %v", body, err)
			}
			select {
			case <-time.After(time.Hour):
			case <-r.Context().Done():
				t.Error("the stream was ended")
			}
			_, _ = io.WriteString(w, "ok")
		}))
		me, _ := directLogin(site, site.Code(false))
		listener, server := make(pipes), web.NewServer(site)
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(listener) }()
		client, inner := net.Pipe()
		listener <- inner
		go func() {
			_, _ = io.WriteString(client, "POST "+sessions+" HTTP/1.1\r\nHost: localhost:1\r\nContent-Length: 4\r\n"+
				strings.Join(me.headers(), "\r\n")+"\r\n\r\nsl")
			time.Sleep(time.Minute)
			_, _ = io.WriteString(client, "ow")
		}()
		response, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(response.Body); err != nil || string(text) != "ok" {
			t.Errorf("the answer is %q, %v", text, err)
		}
		_, _ = server.Close(), client.Close()
		<-ended
	})
}
