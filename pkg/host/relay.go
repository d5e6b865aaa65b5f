// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/certs"
	"tilt.dev/session/pkg/registry/session"
	"tilt.dev/session/pkg/relay"
)

// relayLifetime exceeds the time that a Runner runs: its certificate is made anew at each start.
const relayLifetime = 10 * 365 * 24 * time.Hour

// Relay is a part that answers the requests of the API server to the runs. It listens on an address, and sets the
// endpoint at which the API server reaches it, and what verifies that, in the record. It starts before the Runner.
func (r *Remote) Relay(listen, endpoint string) Part {
	return Part{Name: "relay", Run: func(ctx context.Context, ready func()) error {
		certificate, err := r.certify(endpoint)
		if err != nil {
			return fmt.Errorf("make the certificate of the endpoint: %w", err)
		}
		var config net.ListenConfig
		listener, err := config.Listen(ctx, "tcp", listen)
		if err != nil {
			return fmt.Errorf("listen for requests of the API server: %w (choose another address with --bind-address)", err)
		}
		server := &http.Server{
			Handler: &relay.Handler{Current: r.current, Ending: ctx.Done()}, ReadHeaderTimeout: headerTimeout,
			TLSConfig: &tls.Config{
				MinVersion: tls.VersionTLS13,
				GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
					return r.tlsConfig(certificate)
				},
			},
		}
		served := make(chan error, 1)
		go func() { served <- server.ServeTLS(listener, "", "") }()
		ready()
		select {
		case err = <-served:
			return fmt.Errorf("answer requests of the API server: %w", err)
		case <-ctx.Done():
		}
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
		defer cancel()
		err = errors.Join(server.Shutdown(ending), server.Close())
		if end := <-served; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return err
	}}
}

// certify makes the certificate of an endpoint, and enters both into the record.
func (r *Remote) certify(endpoint string) (*tls.Certificate, error) {
	address, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	authority, err := certs.NewAuthority(now, relayLifetime)
	if err != nil {
		return nil, err
	}
	subject := certs.Subject{Names: []string{address.Hostname()}}
	if ip := net.ParseIP(address.Hostname()); ip != nil {
		subject.Names, subject.Addresses = []string{"tilt-session-runner"}, []net.IP{ip}
	}
	pair, err := authority.Sign(subject, now, relayLifetime)
	if err != nil {
		return nil, err
	}
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		return nil, err
	}
	r.Record.Spec.Endpoint, r.Record.Spec.CABundle = endpoint, authority.Bundle()
	return &certificate, nil
}

// tlsConfig lets in the API server alone, as the record of the Runner knows it.
func (r *Remote) tlsConfig(certificate *tls.Certificate) (*tls.Config, error) {
	now := r.now.Load()
	if now == nil {
		return nil, errors.New("the runner isn't registered")
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(now.lease.Record().Spec.ClientCABundle) {
		return nil, errors.New("the record of the runner has no spec.clientCABundle")
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{*certificate},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients, NextProtos: []string{"h2", "http/1.1"},
	}, nil
}

// current are the runs of the Runner that is registered.
func (r *Remote) current() (session.Runs, types.UID, bool) {
	now := r.now.Load()
	if now == nil {
		return nil, "", false
	}
	return now.table, now.lease.Record().UID, true
}
