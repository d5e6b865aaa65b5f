// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net"
	"net/http"

	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/utils/clock"
)

// SetClock makes a server renew its certificates by a clock of the test.
func (o *Options) SetClock(by clock.WithTicker) { o.clock = by }

// SetListener makes a server accept connections from a listener of the test.
func (o *Options) SetListener(listener net.Listener) { o.listener = listener }

// UpstreamHandler returns upstream's handlers of a running server, without those of this package.
func (s *Server) UpstreamHandler() http.Handler {
	return genericapiserver.DefaultBuildHandlerChain(s.generic.Handler.Director, s.config.generic)
}

// PlainStarted reports whether a server has started to serve HTTP without TLS.
func (s *Server) PlainStarted() bool {
	p := &s.config.listener.plain
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.server != nil
}
