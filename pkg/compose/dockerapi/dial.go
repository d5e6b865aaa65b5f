// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package dockerapi

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultHost is the engine of a machine without any configuration.
const DefaultHost = "unix:///var/run/docker.sock"

// Dial connects to an engine.
type Dial func(context.Context) (net.Conn, error)

// TunnelError is why a tunnel has ended, for connections by a Dial of the caller.
type TunnelError string

func (e TunnelError) Error() string { return string(e) }

// New returns a client of an engine. tunnel connects to engines that only Docker's own client reaches, by ssh:// and by
// TLS; nil connects to none.
func New(host string, tunnel Dial) (*Client, error) {
	dial, err := dialer(host, tunnel)
	if err != nil {
		return nil, err
	}
	return &Client{Host: host, http: http.Client{Transport: &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		MaxIdleConnsPerHost: 4,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true,
	}}}, nil
}

func dialer(host string, tunnel Dial) (Dial, error) {
	var d net.Dialer
	network, address, ok := strings.Cut(host, "://")
	if ok && network == "unix" && address != "" {
		return func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, network, address) }, nil
	}
	if tunnel != nil && ok {
		return tunnel, nil
	}
	if u, err := url.Parse(host); err == nil && (network == "tcp" || network == "http") && u.Port() != "" {
		return func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", u.Host) }, nil
	}
	return nil, fmt.Errorf("docker host %q isn't an address such as %s or tcp://localhost:2375", host, DefaultHost)
}
