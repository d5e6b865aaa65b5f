// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/certs"
	"tilt.dev/session/pkg/registry/runner"
	"tilt.dev/session/pkg/relay"
)

// relayClientName is the name in the certificate with which the server authenticates to Runners.
const relayClientName = "tilt-session-apiserver"

// runnerTrust is what Runners know the server and its replicas by. It is loaded at the first use, which needs the
// storage.
type runnerTrust struct {
	config *Config

	mu          sync.Mutex
	bundle      []byte
	certificate *tls.Certificate
}

// load loads the authority that the replicas share, and signs a certificate of this process.
func (t *runnerTrust) load(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.certificate != nil {
		return nil
	}
	now := t.config.options.clock.Now()
	create := func() ([]byte, error) {
		authority, err := certs.NewAuthority(now, authorityLifetime)
		if err != nil {
			return nil, err
		}
		return authority.Encode()
	}
	shared := t.config.options.RunnerSecret
	if shared == nil {
		shared = func(_ context.Context, create func() ([]byte, error)) ([]byte, error) { return create() }
	}
	encoded, err := shared(ctx, create)
	if err != nil {
		return fmt.Errorf("load the authority that runners trust: %w", err)
	}
	authority, err := certs.DecodeAuthority(encoded)
	if err != nil {
		return fmt.Errorf("decode the authority that runners trust: %w", err)
	}
	pair, err := authority.SignClient(relayClientName, now, authorityLifetime)
	if err != nil {
		return fmt.Errorf("sign the certificate for requests to runners: %w", err)
	}
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		return err
	}
	t.bundle, t.certificate = authority.Bundle(), &certificate
	return nil
}

// Bundle has the authority that verifies Certificate, in PEM.
func (t *runnerTrust) Bundle(ctx context.Context) ([]byte, error) {
	if err := t.load(ctx); err != nil {
		return nil, err
	}
	return t.bundle, nil
}

// Certificate is what the server authenticates to Runners with.
func (t *runnerTrust) Certificate(ctx context.Context) (*tls.Certificate, error) {
	if err := t.load(ctx); err != nil {
		return nil, err
	}
	return t.certificate, nil
}

// newDialer returns the way to the runs of Runners.
func (c *Config) newDialer(runners *runner.REST, trust *runnerTrust) *relay.Dialer {
	return &relay.Dialer{
		Runner: func(ctx context.Context, name string) (*v1alpha1.Runner, error) {
			obj, err := runners.Get(ctx, name, &metav1.GetOptions{ResourceVersion: "0"})
			if err != nil {
				return nil, err
			}
			return obj.(*v1alpha1.Runner), nil
		},
		Certificate: trust.Certificate,
		Local:       c.options.LocalRunners,
	}
}

// serveRunners returns the implementations of the resources of Runners by their paths, none without Runners.
func (s *Server) serveRunners(getter generic.RESTOptionsGetter) (map[string]rest.Storage, error) {
	if !s.config.options.Runners {
		return nil, nil
	}
	trust := &runnerTrust{config: s.config}
	runners, status, err := runner.NewREST(s.config.scheme, getter, trust.Bundle)
	if err != nil {
		return nil, err
	}
	s.runners, s.dialer = runners, s.config.newDialer(runners, trust)
	return map[string]rest.Storage{"runners": runners, "runners/status": status}, nil
}
