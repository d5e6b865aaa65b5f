// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import "net/http"

// withGoaway has the connections of some requests closed once those are answered, of
// HTTP/1.1 as of HTTP/2. The library's own filter only does so for the latter.
func withGoaway(handler http.Handler, chosen func() bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if chosen() {
			w.Header().Set("Connection", "close")
		}
		handler.ServeHTTP(w, request)
	})
}
