// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/registry/generic"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/filters"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/apiserver/pkg/util/flowcontrol"
	"k8s.io/apiserver/pkg/util/flowcontrol/request"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/web"
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
	loopback *rest.Config
	// site is the page, nil without it and before New.
	site *web.Site
	// readyz are the checks of what is looked up or shared in a core API server, and cores the connections to it.
	readyz []healthz.HealthChecker
	cores  []*rest.Config
	// informers are for priority and fairness, nil without it.
	informers informers.SharedInformerFactory
}

// Access returns how the owner reaches the server. The server already accepts
// connections, and answers requests once it runs.
func (c *Config) Access() Access { return c.access }

// Close stops listening, for a configuration that no server is built from.
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
	for _, configure := range []func() error{c.secure, c.limitRequests, c.record} {
		if err := configure(); err != nil {
			c.release()
			return nil, err
		}
	}
	// Server.endStreams waits for ShutdownDelay, because Cut can't end upstream's delay.
	c.generic.ShutdownSendRetryAfter = options.ShutdownDelay > 0
	c.generic.BuildHandlerChainFunc = c.handlers
	c.generic.EnableProfiling = options.Profiling
	// These requests have no timeout and don't count as requests in flight.
	c.generic.LongRunningFunc = filters.BasicLongRunningRequestCheck(sets.NewString("watch"), sets.NewString("log"))
	c.generic.OpenAPIConfig, c.generic.OpenAPIV3Config = c.openAPI.v2, c.openAPI.v3
	c.generic.SkipOpenAPIInstallation = true // Server.Run installs it
	// A server is alive if it answers, and ready if its storage works too: a restart doesn't mend a storage.
	c.generic.LivezChecks = []healthz.HealthChecker{healthz.PingHealthz}
	c.generic.HealthzChecks = append([]healthz.HealthChecker{healthz.PingHealthz}, options.Storage.HealthChecks()...)
	c.generic.ReadyzChecks = slices.Concat(c.generic.HealthzChecks, c.readyz)
	return c, nil
}

// record configures the audit log.
func (c *Config) record() error {
	if err := c.options.Audit.ApplyTo(c.generic); err != nil {
		return fmt.Errorf("--audit-policy-file and --audit-log-path: %w", err)
	}
	return nil
}

// handlers returns the chain of filters in front of a handler.
func (c *Config) handlers(handler http.Handler, generic *genericapiserver.Config) http.Handler {
	handler = withAccept(withForms(handler, c.codecs, generic.MaxRequestBodyBytes), c.codecs)
	handler = genericapiserver.DefaultBuildHandlerChain(handler, generic)
	// Upstream: k8s.io/apiserver/pkg/server/filters/goaway.go, v0.36.x: the filter of
	// GoawayChance ignores HTTP/1.1; remove when it doesn't.
	if chance := c.options.Requests.GoawayChance; chance > 0 {
		handler = withConnectionClose(handler, func() bool { return rand.Float64() < chance })
	}
	if c.options.ShutdownDelay > 0 {
		// Clients move to another server before this one closes their connections: a
		// request on a connection that is being closed may fail for good.
		handler = withConnectionClose(handler, func() bool {
			select {
			case <-generic.ShutdownInitiatedNotify():
				return true
			default:
				return false
			}
		})
	}
	return c.withPage(withArrivals(handler, c.listener))
}

// withConnectionClose makes the server close the connection of a request once it has been answered, and once all
// requests of an HTTP/2 connection have been, if closes returns true.
func withConnectionClose(handler http.Handler, closes func() bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if closes() {
			w.Header().Set("Connection", "close")
		}
		handler.ServeHTTP(w, request)
	})
}

// CompletedConfig is a Config with all fields set.
type CompletedConfig struct {
	config    *Config
	completed genericapiserver.CompletedConfig
}

// Complete sets the fields that follow from others.
func (c *Config) Complete() CompletedConfig {
	completed := CompletedConfig{config: c, completed: c.generic.Complete(c.informers)}
	// Upstream: k8s.io/apiserver/pkg/server/config.go AuthorizeClientBearerToken, v0.36.x:
	// if the field is set before Complete, the server also accepts the loopback token by a comparison that isn't
	// constant in time; remove when it is. Our authenticator knows that token.
	c.generic.LoopbackClientConfig = c.loopback
	return completed
}

// limitRequests configures the limits of requests. The server starts the informers of
// priority and fairness, and its readiness waits for them.
func (c *Config) limitRequests() error {
	options := &c.options.Requests
	c.generic.MaxRequestsInFlight = options.MaxRequestsInFlight
	c.generic.MaxMutatingRequestsInFlight = options.MaxMutatingRequestsInFlight
	c.generic.RequestTimeout = options.RequestTimeout
	if c.options.PriorityAndFairness {
		// Its watches last longer than an authorization may take.
		core, err := c.coreClient("--authorization-kubeconfig", c.options.Authorization.RemoteKubeConfigFile, 0)
		if err != nil {
			return err
		}
		if core != nil {
			total := options.MaxRequestsInFlight + options.MaxMutatingRequestsInFlight
			if total == 0 {
				return errors.New("--enable-priority-and-fairness requires a positive --max-requests-inflight " +
					"or --max-mutating-requests-inflight")
			}
			c.informers = informers.NewSharedInformerFactory(core, 0)
			c.generic.FlowControl = flowcontrol.New(c.informers, core.FlowcontrolV1(), total)
			return nil
		}
	}
	// Without priority and fairness this has no use, and its hook would still be
	// unfinished for a moment after the server is ready.
	c.generic.StorageObjectCountTracker = nil
	c.generic.DisabledPostStartHooks.Insert("max-in-flight-filter")
	return nil
}

// countedSessions makes upstream count the Sessions in a storage. Priority and fairness
// estimates the cost of a LIST from their number.
type countedSessions struct {
	generic.RESTOptionsGetter
	tracker request.StorageObjectCountTracker
}

// GetRESTOptions implements generic.RESTOptionsGetter.
func (c countedSessions) GetRESTOptions(r schema.GroupResource, example runtime.Object) (generic.RESTOptions, error) {
	options, err := c.RESTOptionsGetter.GetRESTOptions(r, example)
	options.StorageObjectCountTracker, options.CountMetricPollPeriod = c.tracker, time.Minute
	return options, err
}
