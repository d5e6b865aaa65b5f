// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"

	"k8s.io/apiserver/pkg/authentication/user"
)

// CodesPath is where a client of the API asks for a code, by a POST with its own credentials of a NewCode.
const CodesPath = "/ui/codes"

// NewCode is the body of a request to CodesPath.
type NewCode struct {
	// ViewOnly asks for a login that may read alone.
	ViewOnly bool `json:"viewOnly,omitempty"`
}

// Code is the answer to a NewCode.
type Code struct {
	// URL is the address to open, with the code in its fragment.
	URL string `json:"url"`
}

// Options configure a Site.
type Options struct {
	// API answers the requests of logins. User has the user of their context.
	API http.Handler
	// Port is the port that the Site is served at.
	Port int
	// Hosts are names in the header Host besides those of this machine's loopback interface, with or without a port.
	Hosts []string
	// TLSHosts are further names, without a port, for requests over TLS.
	TLSHosts []string
	// Owner and Viewer are the users that logins can have.
	Owner, Viewer user.Info
}

// Site serves the page and the API to those who have logged in. It is safe for concurrent use.
type Site struct {
	options Options
}

var _ http.Handler = (*Site)(nil)

// New returns a Site without logins. It costs nothing before its first request.
func New(options Options) *Site { return &Site{options: options} }

// NewCode returns a code for one login.
func (s *Site) NewCode(_ bool) string { return "" }

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// Serves reports whether a request that came over TLS to the server of the API is one for the Site: for the page, or by
// a browser with a login.
func (s *Site) Serves(_ *http.Request) bool { return false }

// ValidHost reports whether a text can be one of Options.Hosts.
func ValidHost(host string) bool { return host != "" }

// User returns the user of a request that a Site has passed to its API.
func User(_ context.Context) (user.Info, bool) { return nil, false }

// Export writes the page and its assets into a directory, which it makes.
func Export(_ string) error { return nil }
