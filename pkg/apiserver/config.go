// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/sets"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/server/filters"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/client-go/informers"

	"tilt.dev/session/pkg/certs"
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
	// controllers are run by the server, or released.
	controllers []dynamiccertificates.ControllerRunner
	// lookups are the checks of what is looked up at a core API server, and hangUps
	// close the connections to it.
	lookups []healthz.HealthChecker
	hangUps []func()
	// informers are for priority and fairness, nil without it.
	informers informers.SharedInformerFactory
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
	}
	c.generic.EffectiveVersion = version
	for _, set := range []func() error{c.secure, c.limit, c.record} {
		if err := set(); err != nil {
			c.release()
			return nil, err
		}
	}
	// The library's own shutdown delay can't be cut short: Server.endStreams waits.
	c.generic.ShutdownSendRetryAfter = options.ShutdownDelay > 0
	c.generic.BuildHandlerChainFunc = c.handlers
	c.generic.EnableProfiling = options.Profiling
	// What takes as long as the client wants has no time limit, and doesn't
	// count as one of the requests that may be in flight.
	c.generic.LongRunningFunc = filters.BasicLongRunningRequestCheck(sets.NewString("watch"), sets.NewString("log"))
	c.generic.OpenAPIConfig, c.generic.OpenAPIV3Config = c.openAPI.v2, c.openAPI.v3
	// Server.Run installs them.
	c.generic.SkipOpenAPIInstallation = true
	c.checkHealth()
	return c, nil
}

// handlers is everything that a request goes through on its way to a handler.
func (c *Config) handlers(handler http.Handler, generic *genericapiserver.Config) http.Handler {
	handler = withAccept(withForms(handler, c.codecs, generic.MaxRequestBodyBytes), c.codecs)
	handler = genericapiserver.DefaultBuildHandlerChain(handler, generic)
	if chance := c.options.Requests.GoawayChance; chance > 0 {
		handler = withGoaway(handler, func() bool { return rand.Float64() < chance })
	}
	if c.options.ShutdownDelay > 0 {
		handler = withFarewell(handler, generic.ShutdownInitiatedNotify())
	}
	return withArrivals(handler, c.listener)
}

// secure sets up certificates, tokens and who may do what.
func (c *Config) secure() error {
	served := machineAt(boundIP(c.listener))
	if c.options.TLS.separate() {
		served = certs.Subject{Names: []string{ownerServerName}}
	}
	id, err := c.options.identity()
	if err != nil {
		return err
	}
	own, err := newSelfMade(id.authority, served, c.options.clock)
	if err != nil {
		return err
	}
	if c.generic.SecureServing, err = c.newServing(own); err != nil {
		return err
	}
	loopbackToken := newToken()
	c.loopback, err = newLoopback(c.generic.SecureServing, loopbackToken, own.authority, c.userAgent())
	if err != nil {
		return err
	}
	c.generic.ExternalAddress = c.listener.Addr().String()
	c.access.URL, c.access.CertificateAuthority, c.access.Token = c.loopback.config.Host, own.authority, id.token
	return errors.Join(c.authenticate(c.access.Token, loopbackToken), c.authorize())
}

// checkHealth says what healthy means: alive is who answers, ready is whose
// storage works too. A storage that fails doesn't make a restart worthwhile.
func (c *Config) checkHealth() {
	c.generic.LivezChecks = []healthz.HealthChecker{healthz.PingHealthz}
	c.generic.HealthzChecks = append([]healthz.HealthChecker{healthz.PingHealthz}, c.options.Storage.HealthChecks()...)
	c.generic.ReadyzChecks = append(slices.Clone(c.generic.HealthzChecks), c.lookups...)
}

// CompletedConfig is a Config in which everything is set.
type CompletedConfig struct {
	config    *Config
	completed genericapiserver.CompletedConfig
}

// Complete fills in what follows from the rest.
func (c *Config) Complete() CompletedConfig {
	completed := CompletedConfig{config: c, completed: c.generic.Complete(c.informers)}
	// Were it set before, the loopback token would also be accepted by a
	// comparison that isn't constant in time. Our authenticator knows that token.
	c.generic.LoopbackClientConfig = c.loopback.config
	return completed
}
