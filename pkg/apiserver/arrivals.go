// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"k8s.io/apiserver/pkg/endpoints/responsewriter"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
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

// Visited blocks until a client other than the server's own has asked for
// Sessions and is being answered, so that its watch misses nothing more, or
// with an error until ctx is done.
func (s *Server) Visited(ctx context.Context) error {
	select {
	case <-s.config.visit.paid:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// visit is the first request for Sessions from another process.
type visit struct {
	once sync.Once
	// paid is closed when its answer has begun.
	paid chan struct{}
}

func newVisit() *visit { return &visit{paid: make(chan struct{})} }

// sessionsPath is where Sessions are served.
var sessionsPath = "/apis/" + v1alpha1.SchemeGroupVersion.String() + "/sessions"

// follow returns a writer for the answer to a request that notes its beginning,
// or w if that doesn't matter.
func (v *visit) follow(w http.ResponseWriter, request *http.Request) http.ResponseWriter {
	own := request.TLS != nil && request.TLS.ServerName == genericapiserver.LoopbackClientServerNameOverride
	if own || !strings.HasPrefix(request.URL.Path, sessionsPath) {
		return w
	}
	select {
	case <-v.paid:
		return w
	default:
		return responsewriter.WrapForHTTP1Or2(&answer{w, v})
	}
}

// answer is what a visitor gets.
type answer struct {
	http.ResponseWriter
	visit *visit
}

var _ responsewriter.UserProvidedDecorator = (*answer)(nil)

// Unwrap implements responsewriter.UserProvidedDecorator.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	a.begin()
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.begin()
	return a.ResponseWriter.Write(p)
}

func (a *answer) begin() {
	a.visit.once.Do(func() { close(a.visit.paid) })
}

// withArrivals notes the first request of each connection, and the first visit.
func withArrivals(handler http.Handler, l *listener, v *visit) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		l.arrive(request.RemoteAddr)
		handler.ServeHTTP(v.follow(w, request), request)
	})
}
