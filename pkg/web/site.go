// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"k8s.io/apiserver/pkg/authentication/user"
)

const (
	// CodesPath is where a client of the API asks for a code, by a POST with its own credentials of a NewCode.
	CodesPath = "/ui/codes"

	root       = "/ui/"
	loginPath  = root + "login"
	logoutPath = root + "logout"
)

// NewCode is the body of a request to CodesPath.
type NewCode struct {
	// ViewOnly asks for a login that may read alone.
	ViewOnly bool `json:"viewOnly,omitempty"`
	// Opens is true if the client opens the address by a command, whose arguments all users of its machine can read. The
	// code is then valid for one minute, and on Linux for processes of the client's user and of root alone.
	Opens bool `json:"opens,omitempty"`
}

// Code is the answer to a NewCode.
type Code struct {
	// URL is the address to open, with the code in its fragment.
	URL string `json:"url"`
}

// Options configure a Site.
type Options struct {
	// API answers the requests of logins. User has the user of their context. It must ignore other credentials.
	API http.Handler
	// Port is the port that the Site is served at.
	Port int
	// Hosts are names in the header Host besides those of this machine's loopback interface, with or without a port.
	// A proxy that speaks TLS may be in front of them.
	Hosts []string
	// TLSHosts are further names and addresses, without a port, for requests over TLS.
	TLSHosts []string
	// Owner and Viewer are the users that logins can have.
	Owner, Viewer user.Info
}

// Site serves the page and the API to those who have logged in. It is safe for concurrent use.
type Site struct {
	options Options
	hosts   hosts
	logins  logins
	// clientUser is ClientUser.
	clientUser func(*http.Request) int
}

var _ http.Handler = (*Site)(nil)

// New returns a Site without logins. It costs nothing before its first request.
func New(options Options) *Site {
	return &Site{options: options, hosts: newHosts(options), logins: logins{now: time.Now}, clientUser: ClientUser}
}

// NewCode returns a code for one login. If it Opens, client is the user ID of the client, or -1 if that is unknown.
func (s *Site) NewCode(asked NewCode, client int) string {
	if asked.Opens {
		return s.logins.newCode(code{viewOnly: asked.ViewOnly, user: client}, openLifetime)
	}
	return s.logins.newCode(code{viewOnly: asked.ViewOnly, user: anyUser}, codeLifetime)
}

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	limitBody(w, r, time.Now().Add(bodyTimeout))
	setHeaders(w.Header())
	if refused := s.check(r); refused != nil {
		refused.write(w, r)
		return
	}
	switch path := r.URL.Path; {
	case path == "/" || path+"/" == root:
		// A relative address is right behind a proxy that has removed a prefix, too.
		w.Header().Set("Location", strings.TrimPrefix(root, "/"))
		w.WriteHeader(http.StatusTemporaryRedirect)
	case path == loginPath:
		s.serveLogin(w, r)
	case path == logoutPath:
		s.serveLogout(w, r)
	case strings.HasPrefix(path, root):
		serveAsset(w, r, strings.TrimPrefix(path, root))
	case !isAPI(r.URL):
		notFound.write(w, r)
	default:
		s.serveAPI(w, r)
	}
}

// serveAPI passes a request of a login to the API, until the login ends.
func (s *Site) serveAPI(w http.ResponseWriter, r *http.Request) {
	login := s.login(r)
	if login == nil {
		notLoggedIn.write(w, r)
		return
	}
	limitBody(w, r, time.Time{})
	ctx, cancel := context.WithCancel(context.WithValue(r.Context(), userKey{}, s.user(login.viewOnly)))
	defer cancel()
	defer context.AfterFunc(login.ended, cancel)()
	defer s.logins.use(login) // a stream is a use for as long as it lasts

	r = r.WithContext(ctx)
	r.Header = r.Header.Clone()
	for name := range r.Header {
		if isForwarded(name) || name == "Cookie" || name == secretHeader {
			r.Header.Del(name)
		}
	}
	setAPIHeaders(w.Header())
	s.options.API.ServeHTTP(w, r)
}

func (s *Site) user(viewOnly bool) user.Info {
	if viewOnly {
		return s.options.Viewer
	}
	return s.options.Owner
}

// Serves reports whether a request that came over TLS to the server of the API is one for the Site: for the page, or
// by a browser with a login or a part of one.
func (s *Site) Serves(r *http.Request) bool {
	if r.Header.Get(secretHeader) != "" || len(r.CookiesNamed(s.cookieName(r))) > 0 {
		return true
	}
	return r.URL.Path != CodesPath && strings.HasPrefix(r.URL.Path+"/", root)
}

type userKey struct{}

// User returns the user of a request that a Site has passed to its API.
func User(ctx context.Context) (user.Info, bool) {
	info, ok := ctx.Value(userKey{}).(user.Info)
	return info, ok
}
