// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"time"
)

// bodyTimeout is how long a request may take to send its body before it is known to be one of a login.
const bodyTimeout = 10 * time.Second

// NewServer returns a server of a Site for connections without TLS. It bounds what clients that haven't logged in can
// make it wait for and keep.
func NewServer(site http.Handler) *http.Server {
	return &http.Server{
		Handler:           site,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       90 * time.Second,
		MaxHeaderBytes:    64 << 10,
		// A Site refuses "OPTIONS *" as any other OPTIONS.
		DisableGeneralOptionsHandler: true,
	}
}

// limitBody sets the time until which the body of a request can be read. net/http reads the rest of a body before it
// answers, so that a request that is refused needs the limit too. Without a body, net/http waits for the end of the
// connection already, which a limit would feign.
func limitBody(w http.ResponseWriter, r *http.Request, until time.Time) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(until) // a test's writer has no connection
	}
}
