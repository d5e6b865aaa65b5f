// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"net/http"
	"runtime"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/rest"
)

// loopback is how clients in this process reach the server: all of them over
// the same connections, which no proxy stands between and which the server can
// close when it stops.
type loopback struct {
	config    *rest.Config
	transport *http.Transport
}

func newLoopback(serving *genericapiserver.SecureServingInfo, token string, authority []byte, userAgent string) (*loopback, error) {
	config, err := serving.NewLoopbackClientConfig(token, authority)
	if err != nil {
		return nil, fmt.Errorf("configuring the loopback client: %w", err)
	}
	tlsConfig, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, fmt.Errorf("configuring TLS of the loopback client: %w", err)
	}
	transport := utilnet.SetTransportDefaults(&http.Transport{TLSClientConfig: tlsConfig})
	// The defaults would take a proxy from the environment.
	transport.Proxy = nil
	config.UserAgent = userAgent
	config.Transport, config.TLSClientConfig = transport, rest.TLSClientConfig{}
	return &loopback{config: config, transport: transport}, nil
}

// userAgent is what clients in this process call themselves. The default tells of
// the library's build, which doesn't know its version.
func (c *Config) userAgent() string {
	return fmt.Sprintf("tilt-session/%s (%s/%s)", c.options.Version, runtime.GOOS, runtime.GOARCH)
}

// close closes the connections that no request is on.
func (l *loopback) close() { l.transport.CloseIdleConnections() }
