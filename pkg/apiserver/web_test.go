// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"tilt.dev/session/pkg/apiserver"
	testserver "tilt.dev/session/pkg/testing/server"
	"tilt.dev/session/pkg/web"
)

// A code is for those who have all rights, because a login has them too.
func TestCodes(t *testing.T) {
	t.Parallel()
	tokens := replaceFile(t, filepath.Join(t.TempDir(), "tokens.csv"),
		[]byte("viewer-token-of-a-test,viewer,1,tilt:viewers\nadmin-token-of-a-test,admin,2,system:masters\nother-token-of-a-test,other,3\n"))
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) { o.Authentication.TokenFile = tokens }})
	for token, code := range map[string]int{
		server.Access().Token: http.StatusOK, "admin-token-of-a-test": http.StatusOK, "viewer-token-of-a-test": http.StatusForbidden,
		"other-token-of-a-test": http.StatusForbidden, "": http.StatusUnauthorized, "unknown": http.StatusUnauthorized,
	} {
		client := newRawClient(t, server)
		client.token = token
		for _, body := range []string{`{}`, `{"opens":true}`, `{"viewOnly":true}`} {
			var answer struct{ URL string }
			reply := client.do(http.MethodPost, "/ui/codes", body).want(code)
			if code != http.StatusOK {
				continue
			}
			reply.want(code, &answer)
			if !strings.HasPrefix(answer.URL, "http://"+addressOf(server)+"/ui/#login=") || reply.header.Get("Cache-Control") != "no-store" {
				t.Errorf("the answer is %s (%v)", reply.body, reply.header)
			}
			page, _ := newPage(t, server, false)
			login := page.login(answer.URL)
			trigger := http.StatusForbidden
			if body != `{"viewOnly":true}` {
				trigger = http.StatusConflict // it has no run
			}
			client.token = server.Access().Token
			client.do(http.MethodDelete, sessionsPath+"/a", nil)
			client.do(http.MethodPost, sessionsPath, newSession("a")).want(http.StatusCreated)
			page.do(http.MethodPost, sessionsPath+"/a/trigger", `{"spec":{"resources":["x"]}}`, login...).want(trigger)
		}
	}
	client := newRawClient(t, server)
	client.do(http.MethodGet, "/ui/codes", nil).want(http.StatusMethodNotAllowed)
	client.do(http.MethodPost, "/ui/codes", "x").want(http.StatusBadRequest)
	client.do(http.MethodGet, "/ui/", nil).want(http.StatusNotFound) // with TLS, the page needs a certificate of files
}

// Logins end with the server, whatever else of it is kept.
func TestLoginsEndWithTheServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startIn(t, dir)
	page, login := newPage(t, first, false)
	page.do(http.MethodGet, sessionsPath, nil, login...).want(http.StatusOK)
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	second := startIn(t, dir)
	again, _ := newPage(t, second, false)
	port := func(s *testserver.Server) string { return "-" + strings.TrimPrefix(addressOf(s), "127.0.0.1:") }
	login[0] = strings.Replace(login[0], port(first), port(second), 1)
	again.do(http.MethodGet, sessionsPath, nil, login...).want(http.StatusUnauthorized)
}

// A server without the page gives no codes.
func TestWebOff(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) { o.Web.Off = true }})
	newRawClient(t, server).do(http.MethodPost, "/ui/codes", `{}`).want(http.StatusNotFound)
	if url, err := server.WebURL(web.NewCode{}); err == nil {
		t.Errorf("the address is %s", url)
	}
}

// With a certificate of files, the page is served over TLS too, and other clients of the API notice nothing.
func TestPageOverTLS(t *testing.T) {
	t.Parallel()
	issuer := newAuthority(t, "servers")
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) {
		o.TLS.CertFile, o.TLS.KeyFile = writePair(t, t.TempDir(), issuer.server("sessions.example"))
		o.Web.AllowedHosts = []string{"sessions.example:" + "443"}
	}})
	url, err := server.WebURL(web.NewCode{})
	if err != nil || !strings.HasPrefix(url, "https://sessions.example:443/ui/#login=") {
		t.Fatalf("%s, %v", url, err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: issuer.pool(), ServerName: "sessions.example"}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	page := &rawClient{t: t, client: &http.Client{Transport: transport}, url: server.Access().URL}
	if reply := page.do(http.MethodGet, "/ui/", nil).want(http.StatusOK); reply.major != 2 || reply.header.Get("Content-Security-Policy") == "" {
		t.Errorf("HTTP/%d %v", reply.major, reply.header)
	}
	login := page.login(url)
	if !strings.HasPrefix(login[0], "Cookie: __Host-tilt-session-") {
		t.Errorf("the cookie is %s", login[0])
	}
	page.do(http.MethodGet, sessionsPath, nil, login...).want(http.StatusOK)
	page.do(http.MethodGet, sessionsPath, nil, login[0]).want(http.StatusUnauthorized)
	page.do(http.MethodGet, sessionsPath, nil, login[1]).want(http.StatusUnauthorized)
	page.do(http.MethodGet, sessionsPath, nil).want(http.StatusUnauthorized)
	page.do(http.MethodPost, "/ui/codes", `{}`, login...).want(http.StatusMethodNotAllowed)
	page.do(http.MethodGet, "/api", nil, login...).want(http.StatusNotFound)
	page.do(http.MethodGet, sessionsPath, nil, append(login, "Origin: http://"+addressOf(server))...).want(http.StatusForbidden)
	page.do(http.MethodGet, sessionsPath, nil, append(login, "Origin: https://"+addressOf(server))...).want(http.StatusOK)
	page.do(http.MethodGet, sessionsPath, nil, append(login, "Authorization: Bearer "+server.Access().Token)...).want(http.StatusBadRequest)
	newRawClient(t, server).do(http.MethodGet, sessionsPath, nil).want(http.StatusOK)
	newRawClient(t, server).do(http.MethodGet, sessionsPath, nil, "Origin: https://evil.test").want(http.StatusOK)
}

// The audit log tells requests of the page from those with the owner's token.
func TestAuditOfThePage(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	path := filepath.Join(directory, "audit.log")
	policy := replaceFile(t, filepath.Join(directory, "policy.yaml"), []byte(`{"apiVersion":"audit.k8s.io/v1","kind":"Policy","omitStages":["RequestReceived"],`+
		`"rules":[{"level":"Metadata","verbs":["create"],"resources":[{"group":"tilt.dev"}]}]}`))
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) {
		o.Audit.PolicyFile, o.Audit.LogOptions.Path = policy, path
	}})
	page, owner := newPage(t, server, false)
	_, viewer := newPage(t, server, true)
	page.do(http.MethodPost, sessionsPath, newSession("a"), append(owner, "X-Forwarded-For: 10.0.0.1")...).want(http.StatusCreated)
	page.do(http.MethodPost, sessionsPath, newSession("b"), viewer...).want(http.StatusForbidden)
	newRawClient(t, server).do(http.MethodPost, sessionsPath, newSession("c")).want(http.StatusCreated)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		user    string
		browser bool
	}{{"tilt-session", true}, {"tilt-session:viewer", true}, {"tilt-session", false}}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d events", len(lines))
	}
	for i, line := range lines {
		var event auditv1.Event
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		login := event.User.Extra["session.tilt.dev/login"]
		if event.User.Username != want[i].user || (len(login) == 1 && login[0] == "browser") != want[i].browser {
			t.Errorf("request %d is by %+v", i, event.User)
		}
		if len(event.SourceIPs) != 1 || event.SourceIPs[0] != "127.0.0.1" {
			t.Errorf("request %d comes from %v", i, event.SourceIPs)
		}
	}
}
