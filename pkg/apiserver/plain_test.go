// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tilt.dev/session/pkg/apiserver"
	testserver "tilt.dev/session/pkg/testing/server"
	"tilt.dev/session/pkg/web"
)

// addressOf returns the address of a server without a scheme.
func addressOf(server *testserver.Server) string {
	return strings.TrimPrefix(server.Access().URL, "https://")
}

// newPage returns a client without TLS, and the headers of a login.
func newPage(t testing.TB, server *testserver.Server, viewOnly bool) (client *rawClient, login []string) {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client = &rawClient{t: t, client: &http.Client{Transport: transport}, url: "http://" + addressOf(server)}
	url, err := server.WebURL(web.NewCode{ViewOnly: viewOnly})
	if err != nil {
		t.Fatal(err)
	}
	return client, client.login(url)
}

// login returns the headers of a login with the code of an address.
func (c *rawClient) login(url string) []string {
	c.t.Helper()
	_, code, ok := strings.Cut(url, "/ui/#login=")
	if !ok {
		c.t.Fatalf("the address is %s", url)
	}
	var answer struct{ Secret string }
	reply := c.do(http.MethodPost, "/ui/login", map[string]string{"code": code}, "X-Tilt-Session: login").want(http.StatusOK, &answer)
	cookie, _, _ := strings.Cut(reply.header.Get("Set-Cookie"), ";")
	return []string{"Cookie: " + cookie, "X-Tilt-Session: " + answer.Secret}
}

// dial opens a connection and sends a text.
func dial(t testing.TB, server *testserver.Server, text string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addressOf(server))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// Clients that send nothing, or too little, keep the server neither from others nor from stopping.
func TestSilentConnections(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	for range 50 {
		for _, begin := range []string{"", "G", "GET /ui/ HTTP/1.1\r\nHost: ", "\x16", "\x16\x03\x01", "\x00"} {
			dial(t, server, begin)
		}
	}
	newRawClient(t, server).do(http.MethodGet, sessionsPath, nil).want(http.StatusOK)
	page, login := newPage(t, server, false)
	page.do(http.MethodGet, "/ui/", nil).want(http.StatusOK)
	page.do(http.MethodGet, sessionsPath, nil, login...).want(http.StatusOK)
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
}

// A request that arrives byte by byte is served, and so are several on one connection.
func TestPlainRequests(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	conn := dial(t, server, "")
	answers := bufio.NewReader(conn)
	for range 3 {
		for _, b := range []byte("GET /ui/login HTTP/1.1\r\nHost: " + addressOf(server) + "\r\n\r\n") {
			if _, err := conn.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(response.Body); err != nil || string(text) != `{"login":false}`+"\n" {
			t.Errorf("the answer is %s, %v", text, err)
		}
	}
}

// Nothing is started for the page before the first connection without TLS.
func TestPlainIsLazy(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	newRawClient(t, server).do(http.MethodGet, sessionsPath, nil).want(http.StatusOK)
	newRawClient(t, server).do(http.MethodPost, "/ui/codes", `{}`).want(http.StatusOK)
	for _, garbage := range []string{"\x00", "get / HTTP/1.1\r\n\r\n", "\x80\x2e\x01"} {
		_, _ = io.ReadAll(dial(t, server, garbage+strings.Repeat("x", 100)))
	}
	if server.PlainStarted() {
		t.Error("it serves without TLS already")
	}
	page, _ := newPage(t, server, false)
	page.do(http.MethodGet, "/ui/", nil).want(http.StatusOK)
	if !server.PlainStarted() {
		t.Error("it doesn't serve without TLS")
	}
}

// at changes the local addresses of connections.
type at struct {
	net.Listener
	address net.Addr
}

type connAt struct {
	net.Conn
	address net.Addr
}

func (l at) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return connAt{c, l.address}, nil
}

func (c connAt) LocalAddr() net.Addr { return c.address }

// Without TLS there is no answer but a hint, of a server without the page and at addresses that others can reach.
func TestPlainIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*apiserver.Options){
		"no page": func(o *apiserver.Options) { o.Web.Off = true },
		"another address": func(o *apiserver.Options) {
			inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			o.SetListener(at{inner, &net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 1}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testserver.Start(t, testserver.Configure{Options: change})
			newRawClient(t, server).do(http.MethodGet, sessionsPath, nil).want(http.StatusOK)
			for _, request := range []string{"GET /ui/", "POST /ui/login", "GET " + sessionsPath, "GET /"} {
				conn := dial(t, server, request+" HTTP/1.1\r\nHost: "+addressOf(server)+"\r\n\r\n")
				text, err := io.ReadAll(conn)
				if err != nil || !strings.HasPrefix(string(text), "HTTP/1.0 400 ") || !strings.Contains(string(text), "HTTPS server") {
					t.Errorf("%s: %q, %v", request, text, err)
				}
			}
			if server.PlainStarted() {
				t.Error("it serves without TLS")
			}
		})
	}
}

// Watches of browsers end as those of others: once they have what is pending.
func TestPlainShutdown(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	page, login := newPage(t, server, false)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page.url+sessionsPath+"?watch=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range login {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := page.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	const count = 50
	for i := range count {
		page.do(http.MethodPost, sessionsPath, newSession(fmt.Sprint("s", i)), login...).want(http.StatusCreated)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	text, err := io.ReadAll(response.Body)
	if events := strings.Count(string(text), "\n"); err != nil || events != count {
		t.Errorf("the watch has %d events, %v", events, err)
	}
	if _, err := page.client.Get(page.url + "/ui/"); err == nil {
		t.Error("the page is still served")
	}
}

// A page that is open learns of the end of a run while the server can still be asked about it.
func TestPagesAtTheEnd(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	newPage(t, server, false)
	begin := time.Now()
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took < time.Second {
		t.Errorf("the server has stopped after %v", took)
	}
}

// A server that is cut closes the connections of browsers, whatever they wait for.
func TestPlainCut(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	_, login := newPage(t, server, false)
	conn := dial(t, server, "POST "+sessionsPath+" HTTP/1.1\r\nHost: "+addressOf(server)+"\r\n"+strings.Join(login, "\r\n")+
		"\r\nContent-Type: application/json\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n")
	// The server writes this when it has started to read the body.
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
	server.Cut()
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
}
