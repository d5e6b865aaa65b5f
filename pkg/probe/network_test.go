// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"

	"tilt.dev/session/pkg/model"
)

// runCheck makes one check of a probe with a timeout of the real clock.
func runCheck(t *testing.T, prober *Prober, probe model.Probe) (outcome, string) {
	t.Helper()
	if probe.Timeout == 0 {
		probe.Timeout = patience
	}
	prober.Clock = clock.RealClock{}
	return prober.once(t.Context(), prober.checkOf(probe), probe.Timeout)
}

// hostPort is where a server listens.
func hostPort(t *testing.T, address string) (string, int) {
	t.Helper()
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

func getAction(t *testing.T, server *httptest.Server, path string) model.HTTPGetAction {
	t.Helper()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	host, port := hostPort(t, u.Host)
	return model.HTTPGetAction{Scheme: u.Scheme, Host: host, Port: port, Path: path}
}

// testSite answers /status/N with the status N, /to?url with a redirect, and /again/N with N redirects.
func testSite() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(r.PathValue("code"))
		if err != nil {
			code = http.StatusTeapot
		}
		w.WriteHeader(code)
	})
	mux.HandleFunc("/to", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.RawQuery)
		w.WriteHeader(http.StatusFound)
	})
	mux.HandleFunc("/again/{n}", func(w http.ResponseWriter, r *http.Request) {
		if n, err := strconv.Atoi(r.PathValue("n")); err == nil && n > 0 {
			http.Redirect(w, r, fmt.Sprint("/again/", n-1), http.StatusFound)
		}
	})
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "short")
	})
	return mux
}

func TestHTTP(t *testing.T) {
	plain := httptest.NewServer(testSite())
	defer plain.Close()
	secure := httptest.NewTLSServer(testSite())
	defer secure.Close()
	for _, test := range []struct {
		server *httptest.Server
		path   string
		want   outcome
		text   string
	}{
		{plain, "/status/200", passed, "ok"},
		{plain, "status/204", passed, "ok"},
		{plain, "/status/399", passed, "ok, redirected to another host"},
		{plain, "/status/400", failed, "400 Bad Request"},
		{plain, "/status/503", failed, "503 Service Unavailable"},
		{plain, "/nowhere", failed, "404 Not Found"},
		{plain, "/status/%zz", failed, "418 I'm a teapot"},
		{plain, "/to?/status/200", passed, "ok"},
		{plain, "/to?/status/500", failed, "500 Internal Server Error"},
		{plain, "/to?http://other.invalid/", passed, "ok, redirected to another host"},
		{plain, "/again/9", passed, "ok"},
		{plain, "/again/10", failed, "stopped after 10 redirects"},
		{plain, "/broken", failed, "unexpected EOF"},
		{secure, "/status/200", passed, "ok"},
		{secure, "/to?/status/200", passed, "ok"},
	} {
		action := getAction(t, test.server, test.path)
		got, text := runCheck(t, &Prober{}, model.Probe{HTTPGet: &action})
		name := "GET " + test.server.URL + "/" + strings.TrimPrefix(test.path, "/") + ": "
		if strings.Contains(test.path, "%") {
			name = "GET " + test.server.URL + "/status/%25zz: "
		}
		if got != test.want || text != name+test.text {
			t.Errorf("%s: got %v %q, want %v %q", test.path, got, text, test.want, name+test.text)
		}
	}
}

func TestHTTPKeepsNoConnection(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(testSite())
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	action := getAction(t, server, "/status/200")
	check := httpCheck(action)
	for range 3 {
		if got, text := check.run(t.Context()); got != passed {
			t.Error(text)
		}
	}
	if n := connections.Load(); n != 3 {
		t.Errorf("%d connections for 3 checks", n)
	}
}

func TestHTTPFailures(t *testing.T) {
	gone := httptest.NewServer(testSite())
	action := getAction(t, gone, "/x")
	gone.Close()
	got, text := runCheck(t, &Prober{}, model.Probe{HTTPGet: &action})
	if want := "GET " + gone.URL + "/x: connection refused"; got != failed || text != want {
		t.Errorf("got %v %q, want %q", got, text, want)
	}

	stuck := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stuck }))
	defer slow.Close()
	defer close(stuck)
	action = getAction(t, slow, "/x")
	got, text = runCheck(t, &Prober{}, model.Probe{HTTPGet: &action, Timeout: 10 * time.Millisecond})
	if want := "GET " + slow.URL + "/x: timed out after 10ms"; got != failed || text != want {
		t.Errorf("got %v %q, want %q", got, text, want)
	}
}

func TestTCP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	})
	address := listener.Addr().String()
	host, port := hostPort(t, address)
	probe := model.Probe{TCPSocket: &model.TCPSocketAction{Host: host, Port: port}}
	if got, text := runCheck(t, &Prober{}, probe); got != passed || text != "TCP "+address+": ok" {
		t.Errorf("got %v %q", got, text)
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	accepting.Wait()
	if got, text := runCheck(t, &Prober{}, probe); got != failed || text != "TCP "+address+": connection refused" {
		t.Errorf("got %v %q", got, text)
	}
}

// A canceled context ends a check.
func TestCheckEndsWithContext(t *testing.T) {
	asked := make(chan struct{}, 1)
	stuck := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-stuck
	}))
	defer slow.Close()
	defer close(stuck)
	action := getAction(t, slow, "/x")
	ctx, cancel := context.WithCancel(t.Context())
	prober := &Prober{Clock: testingclock.NewFakeClock(time.Now())}
	var running sync.WaitGroup
	running.Go(func() {
		prober.Run(ctx, model.Probe{HTTPGet: &action, Period: time.Second, Timeout: time.Hour, SuccessThreshold: 1, FailureThreshold: 1},
			func(r Result) { t.Errorf("reported %+v", r) })
	})
	<-asked
	cancel()
	running.Wait()
}
