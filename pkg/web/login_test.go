// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apiserver/pkg/authentication/user"

	testserver "tilt.dev/session/pkg/testing/server"
	"tilt.dev/session/pkg/web"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p page, _ *testserver.Server) {
		for _, viewOnly := range []bool{false, true} {
			code := p.code(t, viewOnly)
			reply := p.tryLogin(t, code)
			var body struct {
				Secret, User string
				ViewOnly     bool
			}
			reply.decode(t, http.StatusOK, &body)
			if body.ViewOnly != viewOnly || body.User == "" || len(body.Secret) < 26 {
				t.Errorf("the answer is %s", reply.body)
			}
			cookie := reply.Header.Get("Set-Cookie")
			if want := `^tilt-session-` + p.port + `=[A-Z2-7]{52}; Path=/; HttpOnly; SameSite=Strict$`; !regexp.MustCompile(want).MatchString(cookie) {
				t.Errorf("the cookie is %q", cookie)
			}
			if strings.Contains(cookie, body.Secret) || strings.Contains(reply.body+cookie, code) {
				t.Error("a secret is sent twice")
			}
			value, _, _ := strings.Cut(cookie, ";")
			me := credentials{"Cookie: " + value, "X-Tilt-Session: " + body.Secret}
			p.send(t, http.MethodGet, "/ui/login", "", me.headers()...).
				wantBody(t, http.StatusOK, fmt.Sprintf(`{"login":true,"user":%q%s}`+"\n", body.User, map[bool]string{true: `,"viewOnly":true`}[viewOnly]))
			for _, target := range []string{sessions, "/version", "/openapi/v3/apis/tilt.dev/v1alpha1"} {
				api := p.send(t, http.MethodGet, target, "", me.headers()...)
				api.want(t, http.StatusOK)
				for name, want := range map[string]string{
					"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
				} {
					if got := api.Header.Values(name); len(got) != 1 || got[0] != want {
						t.Errorf("%s of %s is %q", name, target, got)
					}
				}
			}
			p.tryLogin(t, code).checkRefusal(t, http.StatusUnauthorized, false) // the code is used
		}
		for _, wrong := range []string{"", "x", strings.Repeat("A", 26), strings.ToLower(p.code(t, false))} {
			p.tryLogin(t, wrong).checkRefusal(t, http.StatusUnauthorized, false)
		}
		code := p.code(t, false)
		body := `{"code":"` + code + `"}`
		p.send(t, http.MethodPost, "/ui/login", body, jsonType).checkRefusal(t, http.StatusForbidden, false)
		p.send(t, http.MethodPost, "/ui/login", body, "X-Tilt-Session: login", "Content-Type: text/plain").checkRefusal(t, http.StatusBadRequest, false)
		p.send(t, http.MethodPost, "/ui/login", body[:9], "X-Tilt-Session: login", jsonType).checkRefusal(t, http.StatusBadRequest, false)
		p.send(t, http.MethodGet, "/ui/login?code="+code, "", "X-Tilt-Session: login").wantBody(t, http.StatusOK, `{"login":false}`+"\n")
		reply := p.send(t, http.MethodPost, "/ui/login", body, jsonType, "X-Tilt-Session: login")
		if reply.want(t, http.StatusOK); strings.Contains(reply.Header.Get("Set-Cookie"), "Max-Age") {
			t.Errorf("the cookie %q outlasts the browser", reply.Header.Get("Set-Cookie"))
		}
	})
}

// A login that may only read can't do anything else, whatever the page sends.
func TestViewOnly(t *testing.T) {
	t.Parallel()
	p, _ := own(t)
	owner, viewer := p.login(t, false), p.login(t, true)
	p.send(t, http.MethodPost, sessions, fmt.Sprintf(session, "a"), owner.headers(jsonType)...).want(t, http.StatusCreated)
	p.send(t, http.MethodGet, sessions+"/a", "", viewer.headers()...).want(t, http.StatusOK)
	for _, write := range []struct{ method, target, body string }{
		{"POST", sessions, fmt.Sprintf(session, "b")},
		{"POST", sessions + "/a/trigger", `{"apiVersion":"tilt.dev/v1alpha1","kind":"SessionTrigger"}`},
		{"POST", sessions + "/a/args", `{}`},
		{"PUT", "/apis/tilt.dev/v1alpha1/uibuttons/x/status", `{}`},
		{"PATCH", sessions + "/a", `{}`},
		{"DELETE", sessions + "/a", ``},
	} {
		reply := p.send(t, write.method, write.target, write.body, viewer.headers(jsonType)...)
		reply.checkRefusal(t, http.StatusForbidden, true)
		if !strings.Contains(reply.body, "tilt:viewers may only read") {
			t.Errorf("%s %s: the answer doesn't say why: %s", write.method, write.target, reply.body)
		}
	}
	p.send(t, http.MethodDelete, sessions+"/a", "", owner.headers()...).want(t, http.StatusOK)
}

// A watch goes on over the page's login, and ends with it.
func TestLogout(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p page, _ *testserver.Server) {
		me, other := p.login(t, false), p.login(t, false)
		watch := p.open(t, http.MethodGet, sessions+"?watch=true", "", me.headers()...)
		lines := bufio.NewReader(watch.Body)
		p.send(t, http.MethodPost, sessions, fmt.Sprintf(session, "seen"), me.headers(jsonType)...).want(t, http.StatusCreated)
		if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, `"seen"`) {
			t.Errorf("the watch has %q, %v", line, err)
		}
		out := p.send(t, http.MethodPost, "/ui/logout", "", me.headers()...)
		out.want(t, http.StatusNoContent)
		if cookie := out.Header.Get("Set-Cookie"); !strings.Contains(cookie, "-"+p.port+"=; Path=/; Max-Age=0; HttpOnly") {
			t.Errorf("the cookie is %q", cookie)
		}
		if rest, err := io.ReadAll(lines); len(rest) != 0 {
			t.Errorf("after the logout, the watch has %q, %v", rest, err)
		}
		p.send(t, http.MethodGet, sessions, "", me.headers()...).checkRefusal(t, http.StatusUnauthorized, true)
		p.send(t, http.MethodGet, sessions, "", other.headers()...).want(t, http.StatusOK)
	})
}

// direct calls a Site without a connection.
func direct(site *web.Site, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "localhost:1"
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	answer := httptest.NewRecorder()
	site.ServeHTTP(answer, r)
	return answer
}

func newSite(api http.Handler) *web.Site {
	return web.New(web.Options{API: api, Port: 1, Owner: &user.DefaultInfo{Name: "owner"}, Viewer: &user.DefaultInfo{Name: "viewer"}})
}

// directLogin returns the credentials of a login, or the code of the answer.
func directLogin(site *web.Site, code string) (credentials, int) {
	answer := direct(site, http.MethodPost, "/ui/login", `{"code":"`+code+`"}`, jsonType, "X-Tilt-Session: login")
	var body struct{ Secret string }
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
		return credentials{}, answer.Code
	}
	cookie, _, _ := strings.Cut(answer.Header().Get("Set-Cookie"), ";")
	return credentials{"Cookie: " + cookie, "X-Tilt-Session: " + body.Secret}, answer.Code
}

var ok = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

func TestExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		site := newSite(ok)
		code, late := site.Code(false), site.Code(false)
		time.Sleep(5*time.Minute - time.Nanosecond)
		me, status := directLogin(site, code)
		if status != http.StatusOK {
			t.Fatalf("a code of less than five minutes: %d", status)
		}
		time.Sleep(time.Nanosecond)
		if _, status := directLogin(site, late); status != http.StatusUnauthorized {
			t.Errorf("a code of five minutes: %d", status)
		}
		for range 3 {
			time.Sleep(12*time.Hour - time.Second)
			if answer := direct(site, http.MethodGet, sessions, "", me.headers()...); answer.Code != http.StatusOK {
				t.Fatalf("a login after less than twelve hours: %d", answer.Code)
			}
		}
		time.Sleep(12 * time.Hour)
		if answer := direct(site, http.MethodGet, sessions, "", me.headers()...); answer.Code != http.StatusUnauthorized {
			t.Errorf("a login after twelve hours: %d", answer.Code)
		}
		if codes, logins := site.Kept(); codes != 0 || logins != 0 {
			t.Errorf("it keeps %d codes and %d logins", codes, logins)
		}
	})
}

// A stream that lasts for longer than an idle login is a use of the login until it ends.
func TestStreamIsUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		site := newSite(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery != "" {
				time.Sleep(20 * time.Hour)
			}
		}))
		me, _ := directLogin(site, site.Code(false))
		direct(site, http.MethodGet, sessions+"?watch=true", "", me.headers()...)
		if answer := direct(site, http.MethodGet, sessions, "", me.headers()...); answer.Code != http.StatusOK {
			t.Errorf("after a long stream: %d", answer.Code)
		}
	})
}

// Guesses are limited, and a right code works in spite of them.
func TestTries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		site := newSite(ok)
		code := site.Code(false)
		for range 100 {
			directLogin(site, "wrong")
		}
		if _, status := directLogin(site, "wrong"); status != http.StatusTooManyRequests {
			t.Errorf("after many tries: %d", status)
		}
		if _, status := directLogin(site, code); status != http.StatusOK {
			t.Errorf("a right code after many tries: %d", status)
		}
		time.Sleep(time.Second)
		refused := 0
		for range 1000 { // in ten seconds
			time.Sleep(10 * time.Millisecond)
			if _, status := directLogin(site, "wrong"); status == http.StatusTooManyRequests {
				refused++
			}
		}
		if tried := 1000 - refused; tried < 90 || tried > 100 {
			t.Errorf("%d codes could be tried in ten seconds", tried)
		}
	})
}

// What is kept is bounded: a new code replaces the oldest one, and a new login the one that was used first.
func TestBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		site := newSite(ok)
		first, second := site.Code(false), ""
		var logins []credentials
		for range 200 {
			time.Sleep(time.Second)
			second = site.Code(false)
		}
		if _, status := directLogin(site, first); status != http.StatusUnauthorized {
			t.Errorf("the first of many codes: %d", status)
		}
		for code := second; len(logins) < 200; code = site.Code(false) {
			time.Sleep(time.Second)
			me, status := directLogin(site, code)
			if status != http.StatusOK {
				t.Fatal(status)
			}
			logins = append(logins, me)
		}
		if codes, kept := site.Kept(); codes > 16 || kept != 64 {
			t.Errorf("it keeps %d codes and %d logins", codes, kept)
		}
		for i, want := range map[int]int{0: http.StatusUnauthorized, len(logins) - 1: http.StatusOK} {
			if answer := direct(site, http.MethodGet, sessions, "", logins[i].headers()...); answer.Code != want {
				t.Errorf("login %d: %d", i, answer.Code)
			}
		}
	})
}

// Only hashes of secrets are kept, and the API gets none of them.
func TestSecrets(t *testing.T) {
	t.Parallel()
	site := newSite(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info, found := web.User(r.Context())
		if !found || info.GetName() != "viewer" {
			t.Errorf("the user is %v", info)
		}
		for _, name := range []string{"Cookie", "X-Tilt-Session", "X-Forwarded-For", "X-Forwarded-User", "Forwarded", "X-Real-Ip"} {
			if value := r.Header.Get(name); value != "" {
				t.Errorf("the API gets the header %s: %q", name, value)
			}
		}
		if err := http.NewResponseController(w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			t.Error(err)
		}
	}))
	code := site.Code(true)
	me, _ := directLogin(site, code)
	kept := site.Dump()
	_, cookie, _ := strings.Cut(me.cookie, "=")
	for _, secret := range []string{code, cookie, strings.TrimPrefix(me.secret, "X-Tilt-Session: ")} {
		if secret == "" || strings.Contains(kept, secret) {
			t.Errorf("the secret %q is kept", secret)
		}
	}
	answer := direct(site, http.MethodGet, sessions, "", me.headers("X-Forwarded-For: 10.0.0.1", "Forwarded: for=10.0.0.1", "X-Real-Ip: 10.0.0.1", "X-Forwarded-User: root")...)
	if answer.Code != http.StatusOK {
		t.Error(answer.Code)
	}
	if _, found := web.User(t.Context()); found {
		t.Error("a request that no Site has passed on has a user")
	}
}
