// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
)

const (
	// secretHeader has the second secret of a login, and loginValue in the request that makes one. No other origin can
	// send it, because a preflight would have to allow it.
	secretHeader = "X-Tilt-Session"
	loginValue   = "login"
)

// loginRequest is the body of a login.
type loginRequest struct {
	Code string `json:"code"`
}

// loginAnswer is the answer to a login.
type loginAnswer struct {
	Secret   string `json:"secret"`
	User     string `json:"user"`
	ViewOnly bool   `json:"viewOnly"`
}

// loginState is the answer to the question whether a request has a login.
type loginState struct {
	Login    bool   `json:"login"`
	User     string `json:"user,omitempty"`
	ViewOnly bool   `json:"viewOnly,omitempty"`
}

func (s *Site) serveLogin(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		state := loginState{}
		if l := s.login(r); l != nil {
			state = loginState{Login: true, User: s.user(l.viewOnly).GetName(), ViewOnly: l.viewOnly}
		}
		writeJSON(w, http.StatusOK, state)
	case http.MethodPost:
		s.startLogin(w, r)
	default:
		wrongMethod.write(w, r)
	}
}

func (s *Site) startLogin(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get(secretHeader) != loginValue {
		noSecretHeader.write(w, r)
		return
	}
	var body loginRequest
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/json" || json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&body) != nil {
		badLogin.write(w, r)
		return
	}
	l, cookie, secret, refused := s.logins.redeem(body.Code, func() int { return s.clientUser(r) })
	if refused != nil {
		refused.write(w, r)
		return
	}
	s.setCookie(w, r, cookie, 0)
	answer := loginAnswer{Secret: secret, User: s.user(l.viewOnly).GetName(), ViewOnly: l.viewOnly}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Site) serveLogout(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		wrongMethod.write(w, r)
		return
	}
	l := s.login(r)
	if l == nil {
		notLoggedIn.write(w, r)
		return
	}
	s.logins.end(l)
	s.setCookie(w, r, "", -1)
	w.WriteHeader(http.StatusNoContent)
}

// login returns the login whose two secrets a request has, or nil.
func (s *Site) login(r *http.Request) *login {
	secret := r.Header.Get(secretHeader)
	if secret == "" {
		return nil
	}
	// Another port of the host can add cookies of the same name for longer paths, which come first.
	for _, cookie := range r.CookiesNamed(s.cookieName(r)) {
		if l := s.logins.find(cookie.Value, secret); l != nil {
			return l
		}
	}
	return nil
}

// cookieName returns the name of the cookie. All ports of a host share cookies, so that the name has the port.
// Browsers accept the prefix of the name over TLS alone, and then from this host alone.
func (s *Site) cookieName(r *http.Request) string {
	name := "tilt-session-" + strconv.Itoa(s.options.Port)
	if r.TLS != nil {
		name = "__Host-" + name
	}
	return name
}

// setCookie sets the cookie for so many seconds, removes it if they are negative, and has the browser forget it at its
// own end if they are zero.
func (s *Site) setCookie(w http.ResponseWriter, r *http.Request, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(r), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
}
