// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import "net/http"

// withFarewell answers requests as before once the server is leaving, and has
// clients make their next ones on new connections. So those have moved to another
// server, where there is one, before this one closes what they had open: a request
// that's sent while its connection is closed may not be tried again.
func withFarewell(handler http.Handler, leaving <-chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		select {
		case <-leaving:
			// Of HTTP/2 too: the connection is closed when what's on it has ended.
			w.Header().Set("Connection", "close")
		default:
		}
		handler.ServeHTTP(w, request)
	})
}
