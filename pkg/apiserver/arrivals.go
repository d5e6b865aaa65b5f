// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"net/http"
)

// Arrived blocks until every client that has connected so far has made its
// first request, or has gone. Clients can connect as soon as the server
// listens, and are answered once it runs: whoever waits for them here before a
// Session is created has them see it from its beginning. It returns an error
// when ctx is done first. Without such clients it returns at once.
func (s *Server) Arrived(ctx context.Context) error {
	for _, c := range s.config.listener.connections() {
		select {
		case <-c.arrived:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// withArrivals notes the first request of each connection.
func withArrivals(handler http.Handler, l *listener) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		l.arrive(request.RemoteAddr)
		handler.ServeHTTP(w, request)
	})
}
