// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/web"
)

// upstream is an API server that records a request and answers it as a test says.
type upstream struct {
	mu     sync.Mutex
	seen   []*http.Request
	answer func(w http.ResponseWriter)
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	u.mu.Lock()
	u.seen = append(u.seen, r)
	u.mu.Unlock()
	if u.answer != nil {
		u.answer(w)
	}
}

// requests returns what it has been asked.
func (u *upstream) requests() []*http.Request {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.seen
}

// startProxy serves the page in front of a proxy to an API server below a path.
func startProxy(t *testing.T, u *upstream) page {
	server := httptest.NewServer(u)
	t.Cleanup(server.Close)
	proxy, err := web.NewProxy(&rest.Config{Host: server.URL + "/clusters/a", BearerToken: "kubeconfig", UserAgent: "tilt-session"})
	if err != nil {
		t.Fatal(err)
	}
	p, _ := serve(t, proxy)
	return p
}

// The proxy passes on nothing that the browser identifies itself with, and adds the credentials of the kubeconfig.
func TestProxyRequest(t *testing.T) {
	t.Parallel()
	u := &upstream{}
	p := startProxy(t, u)
	me := p.login(t, false)
	p.send(t, http.MethodPost, sessions+"/a/trigger?fieldManager=x", `{"a":1}`, me.headers(jsonType, "Origin: http://"+p.host,
		"Referer: http://"+p.host+"/ui/", "X-Forwarded-For: 10.0.0.1", "Forwarded: for=10.0.0.1", "X-Other: 1", "Te: trailers",
		"User-Agent: browser", "Sec-Fetch-Site: same-origin")...).want(t, http.StatusOK)
	if len(u.requests()) != 1 {
		t.Fatalf("%d requests", len(u.requests()))
	}
	r := u.requests()[0]
	if body, _ := io.ReadAll(r.Body); r.Method != http.MethodPost || r.RequestURI != "/clusters/a"+sessions+"/a/trigger?fieldManager=x" || string(body) != `{"a":1}` {
		t.Errorf("the request is %s %s %s", r.Method, r.RequestURI, body)
	}
	want := map[string]string{"Authorization": "Bearer kubeconfig", "Content-Type": "application/json", "User-Agent": "tilt-session"}
	for name, value := range want {
		if got := r.Header.Get(name); got != value {
			t.Errorf("%s is %q", name, got)
		}
	}
	for name := range r.Header {
		if _, ok := want[name]; !ok && name != "Content-Length" && name != "Accept-Encoding" {
			t.Errorf("it passes on %s: %q", name, r.Header[name])
		}
	}
	if strings.Contains(r.Host, p.port) {
		t.Errorf("the host is %s", r.Host)
	}
}

func TestProxyAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer func(w http.ResponseWriter)
		code   int
		text   string
	}{
		"an answer": {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "{}") }, http.StatusOK, "{}"},
		"a refusal": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) }, http.StatusForbidden, ""},
		"a redirect": {func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://evil.test/")
			w.WriteHeader(http.StatusFound)
		}, http.StatusBadGateway, "302 Found"},
		"unknown credentials": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusUnauthorized) }, http.StatusBadGateway, "credentials of the kubeconfig"},
		"early hints": {func(w http.ResponseWriter) {
			w.Header().Set("Set-Cookie", "early=1")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Set("Trailer", "Set-Cookie")
			_, _ = io.WriteString(w, "{}")
		}, http.StatusOK, "{}"},
		"no answer": {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, http.StatusBadGateway, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := &upstream{answer: func(w http.ResponseWriter) {
				for _, header := range []string{"Set-Cookie: a=b", "Access-Control-Allow-Origin: *", "Cache-Control: public", "Content-Type: application/json",
					"Content-Security-Policy: default-src *", "Clear-Site-Data: *", "Refresh: 0", "Link: <http://evil.test/>; rel=preload", "Server: x"} {
					name, value, _ := strings.Cut(header, ": ")
					w.Header().Set(name, value)
				}
				test.answer(w)
			}}
			p := startProxy(t, u)
			reply := p.send(t, http.MethodGet, sessions, "", p.login(t, false).headers()...)
			if reply.want(t, test.code); !strings.Contains(reply.body, test.text) {
				t.Errorf("the answer is %s", reply.body)
			}
			for name := range reply.Header {
				switch name {
				case "Cache-Control", "Connection", "Content-Length", "Content-Type", "Cross-Origin-Resource-Policy", "Date", "X-Accel-Buffering",
					"X-Content-Type-Options":
				default:
					t.Errorf("it passes on %s: %q", name, reply.Header[name])
				}
			}
			if got := reply.Header.Values("Cache-Control"); len(got) != 1 || got[0] != "no-store" {
				t.Errorf("Cache-Control is %q", got)
			}
			if len(u.requests()) != 1 {
				t.Errorf("%d requests", len(u.requests()))
			}
		})
	}
}

// The proxy has its own list of paths, also without a Site in front of it.
func TestProxyPaths(t *testing.T) {
	t.Parallel()
	u := &upstream{}
	server := httptest.NewServer(u)
	t.Cleanup(server.Close)
	proxy, err := web.NewProxy(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	for target, code := range map[string]int{
		"/api/v1/secrets": 404, "/apis/tilt.dev/..%2f..%2fapi": 404, "/apis/tilt.dev/%2e%2e/x": 404, "/": 404, "/ui/": 404,
		"/apis/tilt.dev": 200, "/version": 200,
	} {
		answer := httptest.NewRecorder()
		proxy.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, target, nil))
		if answer.Code != code {
			t.Errorf("%s: %d", target, answer.Code)
		}
	}
	if len(u.requests()) != 2 {
		t.Errorf("%d requests were passed on", len(u.requests()))
	}
	r := httptest.NewRequest(http.MethodGet, "/apis/tilt.dev", nil)
	r.Header.Set("Upgrade", "websocket")
	answer := httptest.NewRecorder()
	if proxy.ServeHTTP(answer, r); answer.Code != http.StatusBadRequest {
		t.Errorf("an upgrade: %d", answer.Code)
	}
	if _, err := web.NewProxy(&rest.Config{Host: "http://[::bad"}); err == nil {
		t.Error("a bad address is no error")
	}
}
