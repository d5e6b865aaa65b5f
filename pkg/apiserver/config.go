// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"net/http"

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
	// controllers are run by the server, or released.
	controllers []dynamiccertificates.ControllerRunner
}

// Access returns what a user needs to reach the server. It listens already:
// whoever connects is answered as soon as the server runs.
func (c *Config) Access() Access { return c.access }

// Close gives the address back, for a configuration of which no server is made.
func (c *Config) Close() error {
	c.release()
	return c.listener.Close()
}

func newConfig(options Options, listener *listener) (*Config, error) {
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
		options:  options,
		listener: listener,
		generic:  genericapiserver.NewConfig(codecs),
		scheme:   scheme,
		codecs:   codecs,
		openAPI:  newOpenAPI(served),
		visit:    newVisit(),
	}
	c.generic.EffectiveVersion = version
	if err := c.secure(); err != nil {
		c.release()
		return nil, err
	}
	c.generic.BuildHandlerChainFunc = func(handler http.Handler, generic *genericapiserver.Config) http.Handler {
		return withArrivals(genericapiserver.DefaultBuildHandlerChain(withAccept(handler, codecs), generic), listener, c.visit)
	}
	c.generic.EnableProfiling = options.Profiling
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
	served := machineAt(boundIP(c.listener))
	if c.options.TLS.fromFiles() {
		served = subject{names: []string{ownerServerName}}
	}
	own, err := newSelfMade(served, c.options.clock)
	if err != nil {
		return err
	}
	if c.generic.SecureServing, err = c.newServing(own); err != nil {
		return err
	}
	loopbackToken := newToken()
	c.loopback, err = newLoopback(c.generic.SecureServing, loopbackToken, own.authority, c.options.Version)
	if err != nil {
		return err
	}
	c.generic.ExternalAddress = c.listener.Addr().String()
	c.access.URL, c.access.CertificateAuthority, c.access.Token = c.loopback.config.Host, own.authority, c.options.Token
	if c.access.Token == "" {
		c.access.Token = newToken()
	}
	return errors.Join(c.authenticate(c.access.Token, loopbackToken), c.authorize())
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
