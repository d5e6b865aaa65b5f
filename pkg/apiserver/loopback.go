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

// loopback is the configuration of clients in this process. They share connections,
// which the server closes when it stops, and use no proxy.
type loopback struct {
	config    *rest.Config
	transport *http.Transport
}

func newLoopback(
	serving *genericapiserver.SecureServingInfo, token string, authority []byte, userAgent string,
) (*loopback, error) {
	config, err := serving.NewLoopbackClientConfig(token, authority)
	if err != nil {
		return nil, fmt.Errorf("configure the loopback client: %w", err)
	}
	tlsConfig, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, fmt.Errorf("configure TLS of the loopback client: %w", err)
	}
	transport := utilnet.SetTransportDefaults(&http.Transport{TLSClientConfig: tlsConfig})
	// SetTransportDefaults sets a proxy from the environment.
	transport.Proxy = nil
	config.UserAgent = userAgent
	config.Transport, config.TLSClientConfig = transport, rest.TLSClientConfig{}
	return &loopback{config: config, transport: transport}, nil
}

// userAgent returns the User-Agent of clients in this process. The default one names no version.
func (c *Config) userAgent() string {
	return fmt.Sprintf("tilt-session/%s (%s/%s)", c.options.Version, runtime.GOOS, runtime.GOARCH)
}

// close closes idle connections.
func (l *loopback) close() { l.transport.CloseIdleConnections() }
