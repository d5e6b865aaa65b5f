// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/sets"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/server/filters"
	"k8s.io/apiserver/pkg/server/healthz"
)

// Config is a server that listens but isn't built yet.
type Config struct {
	options  Options
	listener *listener
	generic  *genericapiserver.Config
	scheme   *runtime.Scheme
	codecs   serializer.CodecFactory
	openAPI  *openAPI
	access   Access
	loopback *loopback
	visit    *visit
}

// Access returns what a user needs to reach the server. It listens already:
// whoever connects is answered as soon as the server runs.
func (c *Config) Access() Access { return c.access }

// Close gives the address back, for a configuration of which no server is made.
func (c *Config) Close() error { return c.listener.Close() }

func newConfig(options *Options, listener *listener) (*Config, error) {
	served, err := newServedScheme()
	if err != nil {
		return nil, err
	}
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	version, err := newEffectiveVersion(options.Version)
	if err != nil {
		return nil, err
	}
	codecs := serializer.NewCodecFactory(scheme)
	c := &Config{
		options:  *options,
		listener: listener,
		generic:  genericapiserver.NewConfig(codecs),
		scheme:   scheme,
		codecs:   codecs,
		openAPI:  newOpenAPI(served),
		visit:    newVisit(),
	}
	c.generic.EffectiveVersion = version
	if err := c.secure(); err != nil {
		return nil, err
	}
	c.generic.BuildHandlerChainFunc = func(handler http.Handler, generic *genericapiserver.Config) http.Handler {
		return withArrivals(genericapiserver.DefaultBuildHandlerChain(withAccept(handler, codecs), generic), listener, c.visit)
	}
	c.generic.EnableProfiling = false
	// What takes as long as the client wants has no time limit, and doesn't
	// count as one of the requests that may be in flight.
	c.generic.LongRunningFunc = filters.BasicLongRunningRequestCheck(sets.NewString("watch"), sets.NewString("log"))
	if audit := options.Audit; audit != nil {
		c.generic.AuditPolicyRuleEvaluator, c.generic.AuditBackend = audit.Policy, audit.Backend
	}
	c.generic.OpenAPIConfig, c.generic.OpenAPIV3Config = c.openAPI.v2, c.openAPI.v3
	// Server.Run installs them.
	c.generic.SkipOpenAPIInstallation = true
	c.checkHealth()
	c.dropHousekeeping()
	return c, nil
}

// secure sets up certificates, tokens and who may do what.
func (c *Config) secure() error {
	var bound net.IP
	if address, ok := c.listener.Addr().(*net.TCPAddr); ok {
		bound = address.IP
	}
	certificates, err := newCertificates(bound, time.Now())
	if err != nil {
		return err
	}
	c.generic.SecureServing, err = newServing(c.listener, certificates)
	if err != nil {
		return err
	}
	loopbackToken := newToken()
	c.loopback, err = newLoopback(c.generic.SecureServing, loopbackToken, certificates.authority, c.options.Version)
	if err != nil {
		return err
	}
	c.generic.ExternalAddress = c.listener.Addr().String()
	c.access = Access{URL: c.loopback.config.Host, CertificateAuthority: certificates.authority, Token: c.options.Token}
	if c.access.Token == "" {
		c.access.Token = newToken()
	}
	c.generic.Authentication.Authenticator = newAuthenticator(c.access.Token, loopbackToken)
	c.generic.Authorization.Authorizer, err = newAuthorizer()
	return err
}

func newServing(listener net.Listener, certificates *certificates) (*genericapiserver.SecureServingInfo, error) {
	serving, err := dynamiccertificates.NewStaticCertKeyContent("serving",
		certificates.serving.certificate, certificates.serving.key)
	if err != nil {
		return nil, fmt.Errorf("loading the serving certificate: %w", err)
	}
	// The server's own clients are told apart by the name they ask for, so
	// that they don't depend on which certificate is served to others.
	loopback, err := dynamiccertificates.NewStaticSNICertKeyContent("loopback",
		certificates.loopback.certificate, certificates.loopback.key, genericapiserver.LoopbackClientServerNameOverride)
	if err != nil {
		return nil, fmt.Errorf("loading the loopback certificate: %w", err)
	}
	return &genericapiserver.SecureServingInfo{
		Listener:      listener,
		Cert:          serving,
		SNICerts:      []dynamiccertificates.SNICertKeyContentProvider{loopback},
		MinTLSVersion: tls.VersionTLS12,
	}, nil
}

// checkHealth says what healthy means: alive is who answers, ready is whose
// storage works too. A storage that fails doesn't make a restart worthwhile.
func (c *Config) checkHealth() {
	storage := healthz.NamedCheck("storage", func(request *http.Request) error {
		return c.options.Storage.Healthy(request.Context())
	})
	c.generic.LivezChecks = []healthz.HealthChecker{healthz.PingHealthz}
	c.generic.HealthzChecks = []healthz.HealthChecker{healthz.PingHealthz, storage}
	c.generic.ReadyzChecks = []healthz.HealthChecker{healthz.PingHealthz, storage}
}

// dropHousekeeping leaves out what only matters with priority and fairness. It
// would count as unfinished for a moment after the server has become ready.
func (c *Config) dropHousekeeping() {
	c.generic.StorageObjectCountTracker = nil
	c.generic.DisabledPostStartHooks.Insert("max-in-flight-filter")
}

// CompletedConfig is a Config in which everything is set.
type CompletedConfig struct {
	config    *Config
	completed genericapiserver.CompletedConfig
}

// Complete fills in what follows from the rest.
func (c *Config) Complete() CompletedConfig {
	completed := CompletedConfig{config: c, completed: c.generic.Complete(nil)}
	// Were it set before, the loopback token would also be accepted by a
	// comparison that isn't constant in time. Our authenticator knows that token.
	c.generic.LoopbackClientConfig = c.loopback.config
	return completed
}
