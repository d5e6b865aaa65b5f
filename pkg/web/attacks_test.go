// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	testserver "tilt.dev/session/pkg/testing/server"
)

// Each request has a valid login and is right but for what its name says.
func TestAttacks(t *testing.T) {
	t.Parallel()
	const trigger = sessions + "/victim/trigger"
	both(t, func(t *testing.T, p page, server *testserver.Server) {
		me := p.login(t, false)
		p.send(t, http.MethodPost, sessions, fmt.Sprintf(session, "victim"), me.headers(jsonType)...).want(t, http.StatusCreated)
		origin, other := "Origin: http://"+p.host, "Origin: http://localhost:3000"
		for name, test := range map[string]struct {
			method, target string
			headers        []string
			code           int
			isStatus       bool
		}{
			"another name: the API":        {"GET", sessions, []string{"Host: evil.test:" + p.port}, 421, true},
			"another name: the page":       {"GET", "/ui/", []string{"Host: evil.test:" + p.port}, 421, false},
			"another name: a login":        {"POST", "/ui/login", []string{"Host: evil.test:" + p.port}, 421, false},
			"another name, its own origin": {"GET", sessions, []string{"Host: evil.test:" + p.port, "Origin: http://evil.test:" + p.port}, 421, true},
			"another name, forwarded":      {"GET", sessions, []string{"Host: evil.test", "X-Forwarded-Host: " + p.host}, 421, true},
			"another name, absolute":       {"GET", "http://evil.test:" + p.port + sessions, nil, 421, false},
			"another port":                 {"GET", sessions, []string{"Host: 127.0.0.1:1"}, 421, true},
			"no port":                      {"GET", sessions, []string{"Host: 127.0.0.1"}, 421, true},
			"a subdomain of localhost":     {"GET", sessions, []string{"Host: evil.localhost:" + p.port}, 421, true},
			"a name with a dot at its end": {"GET", sessions, []string{"Host: localhost.:" + p.port}, 421, true},
			"an address in another form":   {"GET", sessions, []string{"Host: 2130706433:" + p.port}, 421, true},
			"all addresses":                {"GET", sessions, []string{"Host: 0.0.0.0:" + p.port}, 421, true},

			"a read by another port":            {"GET", sessions, []string{other}, 403, true},
			"a log for another port":            {"GET", sessions + "/victim/log?follow=true", []string{other}, 403, true},
			"a trigger by another port":         {"POST", trigger, []string{other}, 403, true},
			"the page for another port":         {"GET", "/ui/", []string{other}, 403, false},
			"a login by another port":           {"POST", "/ui/login", []string{other}, 403, false},
			"an opaque origin":                  {"GET", sessions, []string{"Origin: null"}, 403, true},
			"another scheme":                    {"GET", sessions, []string{"Origin: https://" + p.host}, 403, true},
			"two origins":                       {"GET", sessions, []string{origin, other}, 403, true},
			"a prefix of the origin":            {"GET", sessions, []string{origin + ".evil.test"}, 403, true},
			"a user in the origin":              {"GET", sessions, []string{"Origin: http://x@" + p.host}, 403, true},
			"a read by another site":            {"GET", sessions, []string{"Sec-Fetch-Site: cross-site"}, 403, true},
			"a read by a site of the same host": {"GET", sessions, []string{"Sec-Fetch-Site: same-site"}, 403, true},
			"a link to the API":                 {"GET", sessions, []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, 403, true},
			"a frame":                           {"GET", "/ui/", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}, 403, false},
			"an asset for another site":         {"GET", "/ui/index.html", []string{"Sec-Fetch-Site: same-site"}, 403, false},
			"a form of another site":            {"POST", trigger, []string{other, "Content-Type: text/plain", "Sec-Fetch-Site: same-site"}, 403, true},
			"a form of an old browser":          {"POST", trigger, []string{other, "Content-Type: text/plain"}, 403, true},
			"two sites":                         {"GET", sessions, []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"}, 403, true},

			"a preflight":                 {"OPTIONS", trigger, []string{"Access-Control-Request-Method: POST"}, 405, true},
			"a preflight of another port": {"OPTIONS", trigger, []string{other, "Access-Control-Request-Method: POST"}, 403, true},
			"a preflight for everything":  {"OPTIONS", "*", nil, 405, false},
			"trace":                       {"TRACE", sessions, nil, 405, true},
			"connect":                     {"CONNECT", "127.0.0.1:22", []string{"Host: 127.0.0.1:22"}, 421, false},
			"a write of an asset":         {"PUT", "/ui/index.html", nil, 405, false},
			"a logout by a read":          {"GET", "/ui/logout", nil, 405, false},

			"the owner's token":         {"GET", sessions, []string{"Authorization: Bearer " + server.Access().Token}, 400, true},
			"the owner's token, page":   {"GET", "/ui/", []string{"Authorization: Bearer " + server.Access().Token}, 400, false},
			"a password":                {"GET", sessions, []string{"Authorization: Basic eDp5"}, 400, true},
			"another user":              {"GET", sessions, []string{"Impersonate-User: root"}, 400, true},
			"another user's extra":      {"GET", sessions, []string{"Impersonate-Extra-Scopes: all"}, 400, true},
			"a user of a front proxy":   {"GET", sessions, []string{"X-Remote-User: root"}, 400, true},
			"a web socket":              {"GET", sessions + "?watch=true", []string{"Upgrade: websocket"}, 400, true},
			"an upgrade to HTTP/2":      {"GET", sessions, []string{"Connection: keep-alive, Upgrade"}, 400, true},
			"secrets":                   {"GET", "/api/v1/secrets", nil, 404, false},
			"the API's root":            {"GET", "/apis", nil, 404, false},
			"another group":             {"GET", "/apis/apps/v1/deployments", nil, 404, false},
			"a group with our prefix":   {"GET", "/apis/tilt.dev.evil/v1/things", nil, 404, false},
			"metrics":                   {"GET", "/metrics", nil, 404, false},
			"profiles":                  {"GET", "/debug/pprof/heap", nil, 404, false},
			"the whole schema":          {"GET", "/openapi/v2", nil, 404, false},
			"below the version":         {"GET", "/version/x", nil, 404, false},
			"codes":                     {"POST", "/ui/codes", nil, 405, false},
			"up":                        {"GET", "/apis/tilt.dev/../../api/v1/secrets", nil, 404, false},
			"up, with an escaped slash": {"GET", "/apis/tilt.dev/..%2f..%2fapi/v1/secrets", nil, 404, false},
			"up, with escaped dots":     {"GET", "/apis/tilt.dev/%2e%2e/%2e%2e/api/v1/secrets", nil, 404, false},
			"up, in capitals":           {"GET", "/apis/tilt.dev/%2E%2E%2F%2E%2E%2Fapi/v1/secrets", nil, 404, false},
			"up, escaped twice":         {"GET", "/apis/tilt.dev/%252e%252e/api/v1/secrets", nil, 404, false},
			"up, with backslashes":      {"GET", `/apis/tilt.dev/..\..\api`, nil, 404, false},
			"up, escaped backslashes":   {"GET", "/apis/tilt.dev/..%5c..%5capi", nil, 404, false},
			"up, with parameters":       {"GET", "/apis/tilt.dev/..;/..;/api", nil, 404, false},
			"up, from the page":         {"GET", "/ui/../api/v1/secrets", nil, 404, false},
			"up, from the assets":       {"GET", "/ui/assets/..%2f..%2f..%2fetc/passwd", nil, 404, false},
			"empty elements":            {"GET", "//apis/tilt.dev/v1alpha1/sessions", nil, 404, false},
			"an empty element":          {"GET", "/apis/tilt.dev//v1alpha1/sessions", nil, 404, false},
			"a dot":                     {"GET", "/apis/tilt.dev/./v1alpha1/sessions", nil, 404, false},
			"a zero byte":               {"GET", "/apis/tilt.dev/%00", nil, 404, false},
			"a line break":              {"GET", "/apis/tilt.dev/%0d%0aHost:%20x", nil, 404, false},
		} {
			t.Run(name, func(t *testing.T) {
				reply := p.send(t, test.method, test.target, "", me.headers(test.headers...)...)
				reply.checkRefusal(t, test.code, test.isStatus)
				if got, want := reply.Header.Get("Content-Security-Policy"), "default-src 'none'"; !strings.HasPrefix(got, want) {
					t.Errorf("the policy of a refusal is %q", got)
				}
			})
		}
		// The victim is served to the login itself, and was never triggered.
		p.send(t, http.MethodGet, sessions+"/victim", "", me.headers(origin, "Sec-Fetch-Site: same-origin")...).want(t, http.StatusOK)
	})
}

// Without both halves of the same login there is no answer of the API.
func TestHalfALogin(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p page, _ *testserver.Server) {
		me, viewer := p.login(t, false), p.login(t, true)
		for name, headers := range map[string][]string{
			"none":                  nil,
			"the cookie alone":      {me.cookie},
			"the header alone":      {me.secret},
			"halves of two logins":  {me.cookie, viewer.secret},
			"halves of two others":  {viewer.cookie, me.secret},
			"exchanged":             {strings.Replace(me.cookie, "Cookie: ", "X-Tilt-Session: ", 1), me.cookie},
			"a cookie of no port":   {strings.Replace(me.cookie, "-"+p.port, "", 1), me.secret},
			"a cookie of TLS":       {strings.Replace(me.cookie, "tilt-", "__Host-tilt-", 1), me.secret},
			"an empty header":       {me.cookie, "X-Tilt-Session:"},
			"the header of a login": {me.cookie, "X-Tilt-Session: login"},
		} {
			t.Run(name, func(t *testing.T) {
				for _, target := range []string{sessions, sessions + "?watch=true", sessions + "/x/log", "/version", "/openapi/v3/apis/tilt.dev/v1alpha1"} {
					reply := p.send(t, http.MethodGet, target, "", headers...)
					reply.checkRefusal(t, http.StatusUnauthorized, true)
					if !strings.Contains(reply.body, "tilt-session ui") || !strings.Contains(reply.body, "https") {
						t.Errorf("the answer doesn't say how to go on: %s", reply.body)
					}
				}
				p.send(t, http.MethodPost, "/ui/logout", "", headers...).checkRefusal(t, http.StatusUnauthorized, false)
				p.send(t, http.MethodGet, "/ui/login", "", headers...).wantBody(t, http.StatusOK, `{"login":false}`+"\n")
			})
		}
		// Another port of the host can add a cookie of our name, and more for longer paths, which doesn't shut the user out.
		name, _, _ := strings.Cut(me.cookie, "=")
		evil := strings.TrimPrefix(strings.Repeat("; "+strings.TrimPrefix(name, "Cookie: ")+"=evil", 180), "; ")
		p.send(t, http.MethodGet, sessions, "", "Cookie: "+evil+"; "+strings.TrimPrefix(me.cookie, "Cookie: "), me.secret).want(t, http.StatusOK)
	})
}

func (a answer) want(t testing.TB, code int) {
	t.Helper()
	if a.StatusCode != code {
		t.Errorf("code %d, want %d: %s", a.StatusCode, code, a.body)
	}
}

func (a answer) wantBody(t testing.TB, code int, body string) {
	t.Helper()
	if a.want(t, code); a.body != body {
		t.Errorf("the answer is %q, want %q", a.body, body)
	}
}
