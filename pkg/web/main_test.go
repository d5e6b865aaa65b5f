// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/klog/v2"

	testserver "tilt.dev/session/pkg/testing/server"
	"tilt.dev/session/pkg/web"
)

const (
	sessions = "/apis/tilt.dev/v1alpha1/sessions"
	session  = `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"%s"},` +
		`"spec":{"tiltfilePath":"/src/Tiltfile","exitCondition":"ci"}}`
	jsonType = "Content-Type: application/json"
)

func TestMain(m *testing.M) {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	// Otherwise klog still prints errors.
	var flags flag.FlagSet
	klog.InitFlags(&flags)
	if err := flags.Set("stderrthreshold", "FATAL"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
		// Each consistent read from the watch cache starts one, which ends after three seconds.
		goleak.IgnoreTopFunction("k8s.io/apiserver/pkg/storage/cacher.(*watchCache).waitUntilFreshAndBlock.func2"),
	)
}

// page is a page that is served without TLS at a loopback address.
type page struct {
	// host is the address, which is also the right header Host.
	host, port string
	// code returns a code for a login.
	code func(t testing.TB, viewOnly bool) string
}

// own serves the page as a server of the API does.
func own(t testing.TB) (page, *testserver.Server) {
	server := testserver.Start(t)
	p := page{host: strings.TrimPrefix(server.Access().URL, "https://")}
	_, p.port, _ = net.SplitHostPort(p.host)
	p.code = func(t testing.TB, viewOnly bool) string {
		url, err := server.WebURL(web.NewCode{ViewOnly: viewOnly})
		if err != nil {
			t.Fatal(err)
		}
		code, ok := strings.CutPrefix(url, "http://"+p.host+"/ui/#login=")
		if !ok {
			t.Fatalf("the address is %s", url)
		}
		return code
	}
	return p, server
}

// proxied serves the page in front of a proxy to another server.
func proxied(t testing.TB) (page, *testserver.Server) {
	server := testserver.Start(t)
	proxy, err := web.NewProxy(server.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	p, _ := serve(t, proxy)
	return p, server
}

// serve serves a Site in front of a handler.
func serve(t testing.TB, api http.Handler, hosts ...string) (page, *web.Site) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	site := web.New(web.Options{
		API: api, Port: listener.Addr().(*net.TCPAddr).Port, Hosts: hosts,
		Owner: &user.DefaultInfo{Name: "owner"}, Viewer: &user.DefaultInfo{Name: "viewer"},
	})
	server := &httptest.Server{Listener: listener, Config: web.NewServer(site)}
	server.Start()
	t.Cleanup(server.Close)
	p := page{host: listener.Addr().String()}
	_, p.port, _ = net.SplitHostPort(p.host)
	p.code = func(_ testing.TB, viewOnly bool) string { return site.Code(viewOnly) }
	return p, site
}

// both runs a test with each of the ways to serve the page.
func both(t *testing.T, test func(t *testing.T, p page, server *testserver.Server)) {
	for name, start := range map[string]func(testing.TB) (page, *testserver.Server){"server": own, "proxy": proxied} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, server := start(t)
			test(t, p, server)
		})
	}
}

// answer is an answer with its body.
type answer struct {
	*http.Response
	body string
}

// send sends a request on a connection of its own, with the target as it stands. A header is "Name: value"; one with
// an empty value is left out, and others replace a Host of the same name.
func (p page) send(t testing.TB, method, target, body string, headers ...string) answer {
	t.Helper()
	response := p.open(t, method, target, body, headers...)
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return answer{response, string(text)}
}

// open sends a request and returns the answer once it has begun.
func (p page) open(t testing.TB, method, target, body string, headers ...string) *http.Response {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	text, host := "", "Host: "+p.host
	for _, header := range headers {
		if strings.HasPrefix(header, "Host: ") {
			host = header
			continue
		}
		text += header + "\r\n"
	}
	if body != "" {
		text += "Content-Length: " + strconv.Itoa(len(body)) + "\r\n"
	}
	if _, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\n%s\r\nConnection: close\r\n%s\r\n%s", method, target, host, text, body); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// credentials are the two halves of a login, as headers.
type credentials struct{ cookie, secret string }

func (c credentials) headers(more ...string) []string { return append(more, c.cookie, c.secret) }

// login logs in.
func (p page) login(t testing.TB, viewOnly bool) credentials {
	t.Helper()
	reply := p.tryLogin(t, p.code(t, viewOnly))
	var body struct{ Secret string }
	reply.decode(t, http.StatusOK, &body)
	cookie, _, _ := strings.Cut(reply.Header.Get("Set-Cookie"), ";")
	return credentials{cookie: "Cookie: " + cookie, secret: "X-Tilt-Session: " + body.Secret}
}

func (p page) tryLogin(t testing.TB, code string) answer {
	t.Helper()
	return p.send(t, http.MethodPost, "/ui/login", `{"code":"`+code+`"}`, jsonType, "X-Tilt-Session: login")
}

func (a answer) decode(t testing.TB, code int, into any) {
	t.Helper()
	if a.StatusCode != code {
		t.Fatalf("code %d, want %d: %s", a.StatusCode, code, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

// checkRefusal fails the test unless an answer has the code, and is a Status if it is one below the API's paths.
func (a answer) checkRefusal(t testing.TB, code int, isStatus bool) {
	t.Helper()
	if a.StatusCode != code {
		t.Errorf("code %d, want %d: %s", a.StatusCode, code, a.body)
	}
	var status metav1.Status
	if err := json.Unmarshal([]byte(a.body), &status); isStatus && (err != nil || int(status.Code) != code || status.Message == "") {
		t.Errorf("the answer isn't a Status: %v in %s", err, a.body)
	}
	for name := range a.Header {
		if strings.HasPrefix(name, "Access-Control-") || name == "Set-Cookie" {
			t.Errorf("the answer has the header %s", name)
		}
	}
}
