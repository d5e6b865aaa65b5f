// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package webpage

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	testserver "tilt.dev/session/pkg/testing/server"
	"tilt.dev/session/pkg/web"
)

// visitor is a browser at the page of a Server.
type visitor struct {
	t      *testing.T
	client *http.Client
	base   string
	cookie *http.Cookie
	secret string
}

// serving is a Server for an API server of its own, until the returned function has stopped it.
func serving(t *testing.T, viewOnly bool) (remote *testserver.Server, s *Server, stop func()) {
	t.Helper()
	remote = testserver.Start(t)
	api, err := web.NewProxy(remote.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	if s, err = Listen(api, "owner", 0, viewOnly); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- s.Run(ctx, func() { close(ready) }) }()
	<-ready
	return remote, s, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server has ended: %v", err)
		}
	}
}

// visit logs in with the code of an address.
func visit(t *testing.T, address string) *visitor {
	t.Helper()
	base, code, found := strings.Cut(address, "/ui/#login=")
	if !found || code == "" {
		t.Fatalf("address %q has no code", address)
	}
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	v := &visitor{t: t, client: client, base: base, secret: "login"}
	response := v.do(t.Context(), http.MethodPost, "/ui/login", `{"code":"`+code+`"}`)
	defer response.Body.Close()
	var login struct{ Secret string }
	if err := json.NewDecoder(response.Body).Decode(&login); err != nil || len(response.Cookies()) != 1 {
		t.Fatalf("log in: %s, %v", response.Status, err)
	}
	v.cookie, v.secret = response.Cookies()[0], login.Secret
	return v
}

// addressOf is an address of the page for a person.
func addressOf(t *testing.T, s *Server) string {
	t.Helper()
	address, err := s.Address(false)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// do makes a request as the page does.
func (v *visitor) do(ctx context.Context, method, path, body string) *http.Response {
	v.t.Helper()
	target, err := url.Parse(v.base)
	if err != nil {
		v.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(ctx, method, v.base, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	target.Opaque = path // It is sent as it is.
	request.URL = target
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Tilt-Session", v.secret)
	request.Header.Set("Origin", v.base)
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	if v.cookie != nil {
		request.AddCookie(v.cookie)
	}
	response, err := v.client.Do(request)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, path, err)
	}
	return response
}

// status is the code of the answer to a request.
func (v *visitor) status(method, path, body string) int {
	v.t.Helper()
	response := v.do(v.t.Context(), method, path, body)
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

const (
	sessions   = "/apis/tilt.dev/v1alpha1/sessions"
	newSession = `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"NAME"},` +
		`"spec":{"tiltfilePath":"/src/Tiltfile","exitCondition":"manual"}}`
)

// TestRemote is the page for an API elsewhere: a login, a list, a change, a stream, and the end of all.
func TestRemote(t *testing.T) {
	remote, s, stop := serving(t, false)
	v := visit(t, addressOf(t, s))
	if code := v.status(http.MethodPost, sessions, strings.ReplaceAll(newSession, "NAME", "first")); code != http.StatusCreated {
		t.Errorf("create a Session: %d", code)
	}
	response := v.do(t.Context(), http.MethodGet, sessions, "")
	var list v1alpha1.SessionList
	err := json.NewDecoder(response.Body).Decode(&list)
	response.Body.Close()
	if err != nil || len(list.Items) != 1 || list.Items[0].Name != "first" {
		t.Fatalf("list: %s %v %v", response.Status, err, list.Items)
	}

	watch := v.do(t.Context(), http.MethodGet, sessions+"?watch=true&resourceVersion="+list.ResourceVersion, "")
	defer watch.Body.Close()
	second := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Name: "second"}, Spec: list.Items[0].Spec}
	if _, err := remote.Clientset(t).TiltV1alpha1().Sessions().Create(t.Context(), second, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	events := bufio.NewReader(watch.Body)
	event, err := events.ReadString('\n')
	if err != nil || !strings.Contains(event, `"type":"ADDED"`) || !strings.Contains(event, `"name":"second"`) {
		t.Errorf("watch: %q %v", event, err)
	}

	began := time.Now()
	stop()
	if _, err := io.Copy(io.Discard, events); err == nil {
		t.Log("the stream has ended in order")
	}
	if took := time.Since(began); took >= drainTimeout {
		t.Errorf("the end took %v with a stream open", took)
	}
	if _, err := v.client.Get(v.base + "/ui/"); err == nil { //nolint:noctx // It's refused at once.
		t.Error("the server answers after its end")
	}
}

// TestRemoteRefuses is what isn't passed on, though the kubeconfig would allow it.
func TestRemoteRefuses(t *testing.T) {
	_, s, stop := serving(t, false)
	defer stop()
	address := addressOf(t, s)
	v := visit(t, address)
	for _, path := range []string{
		"/api/v1/secrets", "/metrics", "/apis", "/apis/apps/v1/deployments", "/healthz", "/apis/tilt.dev.evil/v1",
		"/apis/tilt.dev/../../api/v1/secrets", "/apis/tilt.dev/%2e%2e/%2e%2e/metrics", "/apis/tilt.dev/..%2f..%2fmetrics",
		"//metrics", "/ui/codes",
	} {
		if code := v.status(http.MethodGet, path, ""); code/100 != 4 {
			t.Errorf("%s: %d, want a refusal", path, code)
		}
	}
	for path, want := range map[string]int{"/version": 200, sessions: 200, "/api/v1/secrets": 404} {
		if code := v.status(http.MethodGet, path, ""); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
	stranger := *v
	stranger.cookie = nil
	if code := stranger.status(http.MethodGet, sessions, ""); code != http.StatusUnauthorized {
		t.Errorf("without the cookie: %d", code)
	}
	_, code, _ := strings.Cut(address, "#login=")
	stranger.secret = "login"
	if got := stranger.status(http.MethodPost, "/ui/login", `{"code":"`+code+`"}`); got != http.StatusUnauthorized {
		t.Errorf("the code again: %d", got)
	}
}

// TestRemoteViewOnly refuses changes that the kubeconfig would allow.
func TestRemoteViewOnly(t *testing.T) {
	remote, s, stop := serving(t, true)
	defer stop()
	v := visit(t, addressOf(t, s))
	if code := v.status(http.MethodGet, sessions, ""); code != http.StatusOK {
		t.Errorf("list: %d", code)
	}
	response := v.do(t.Context(), http.MethodPost, sessions, strings.ReplaceAll(newSession, "NAME", "first"))
	defer response.Body.Close()
	var status metav1.Status
	if err := json.NewDecoder(response.Body).Decode(&status); err != nil ||
		response.StatusCode != http.StatusForbidden || status.Kind != "Status" || !strings.Contains(status.Message, "--view-only") {
		t.Errorf("create: %s %v %+v", response.Status, err, status)
	}
	list, err := remote.Clientset(t).TiltV1alpha1().Sessions().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 0 {
		t.Errorf("there are %v %v", list.Items, err)
	}
}

// TestListen tells of a port that another process has.
func TestListen(t *testing.T) {
	first, err := Listen(http.NotFoundHandler(), "owner", 0, false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	defer func() {
		if err := first.Run(ctx, func() {}); err != nil {
			t.Error(err)
		}
	}()
	port := first.listener.Addr().(*net.TCPAddr).Port
	second, err := Listen(http.NotFoundHandler(), "owner", port, false)
	if err == nil {
		second.listener.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "is in use by another process; choose another port with --port") {
		t.Errorf("error %v", err)
	}
}
