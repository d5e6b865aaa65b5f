// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/server/healthz"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	basecompatibility "k8s.io/component-base/compatibility"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/registry/session"
	"tilt.dev/session/pkg/registry/uiresource"
)

// Storage keeps Sessions. It outlives the server: its owner closes it after Run has returned.
type Storage interface {
	// RESTOptionsGetter configures how the registry opens its storage.
	RESTOptionsGetter() generic.RESTOptionsGetter
	// HealthChecks return an error while the storage can't be relied on.
	HealthChecks() []healthz.HealthChecker
}

// Options configure a server. NewOptions returns the defaults.
type Options struct {
	// Storage is required.
	Storage Storage
	// Runs finds the runs of Sessions in this process, which serve the subresources
	// of a run. If nil, this process runs no Session.
	Runs session.Runs
	// UI has what those runs show to people. If nil, there are no UIResources and UIButtons.
	UI uiresource.Source
	// Runners serves Runners, which are other processes that run the Sessions. It must not be combined with Runs.
	Runners bool
	// RunnerSecret returns what the server and its replicas share to authenticate to Runners, which create makes if there
	// is none. If nil, this process has its own.
	RunnerSecret func(ctx context.Context, create func() ([]byte, error)) ([]byte, error)
	// LocalRunners allows requests to Runners at loopback and link-local addresses.
	LocalRunners bool
	// BindAddress is the IP address to listen on.
	BindAddress string
	// Port is the TCP port to listen on; 0 selects a free port.
	Port int
	// TLS configures the serving certificate.
	TLS TLSOptions
	// Authentication configures how users authenticate, besides the owner's token.
	Authentication AuthenticationOptions
	// Authorization configures who decides what users may do. Members of AlwaysAllowGroups may do everything and
	// everybody may read the server's health. A core API server decides about all other requests; without one,
	// members of ViewersGroup may read Sessions.
	Authorization genericoptions.DelegatingAuthorizationOptions
	// InCluster connects to the core API server with the service account of the pod, unless a kubeconfig is set.
	InCluster bool
	// IdentityDir is a directory for the authority of the server's own certificates and for the owner's token, so that
	// clients can reconnect after a restart. One process at a time may use it. If empty, both are kept in memory.
	IdentityDir string
	// Version is the semantic version of the program, with or without a leading "v".
	// /version reports it as build metadata of the Kubernetes version.
	Version string
	// ShutdownDelay is how long the server keeps serving, with /readyz failing, after
	// Run's context is done. If positive, the server then answers new requests with
	// 429 and Retry-After until requests in flight have been answered.
	ShutdownDelay time.Duration
	// DrainTimeout limits how long Run waits, after ShutdownDelay, for watches to deliver pending events and for
	// requests to be answered. Run closes the connections that remain.
	DrainTimeout time.Duration
	// Requests has the limits of requests: MaxRequestsInFlight, MaxMutatingRequestsInFlight, RequestTimeout and
	// GoawayChance. Other fields have no effect.
	Requests genericoptions.ServerRunOptions
	// PriorityAndFairness shares the limits of requests in flight among users, as configured by the FlowSchemas and
	// PriorityLevelConfigurations of the core API server. It has no effect without one.
	PriorityAndFairness bool
	// Profiling serves profiles of the process below /debug/pprof/.
	Profiling bool
	// Web configures the page for browsers.
	Web WebOptions
	// Audit configures which requests are recorded, and in which file. Fields of the webhook have no effect.
	// Besides the upstream annotations, updates of Sessions have annotations that begin with "session.tilt.dev/".
	Audit genericoptions.AuditOptions

	// listener, if set, replaces BindAddress and Port.
	listener net.Listener
	// clock is the real one if nil.
	clock clock.WithTicker
}

// NewOptions returns the defaults: any free port of the loopback interface.
func NewOptions() *Options {
	authentication := genericoptions.NewDelegatingAuthenticationOptions()
	return &Options{
		BindAddress:         "127.0.0.1",
		Version:             "v0.0.0",
		DrainTimeout:        2 * time.Second,
		Authentication:      AuthenticationOptions{DelegatingAuthenticationOptions: *authentication},
		Authorization:       *genericoptions.NewDelegatingAuthorizationOptions(),
		Audit:               *genericoptions.NewAuditOptions(),
		PriorityAndFairness: true,
		Requests: *genericoptions.NewServerRunOptionsForComponent(
			"tilt-session", basecompatibility.NewComponentGlobalsRegistry()),
	}
}

// requestFlags are the upstream flags of Requests that have an effect.
var requestFlags = []string{
	"goaway-chance", "max-mutating-requests-inflight", "max-requests-inflight", "request-timeout",
}

// AddFlags adds flags for all options that a server for several users needs.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.BindAddress, "bind-address", o.BindAddress,
		"IP address to listen on, ::1 if the machine has no 127.0.0.1; "+
			"use 0.0.0.0 for all IPv4 addresses and :: for all addresses")
	fs.IntVar(&o.Port, "secure-port", o.Port, "port to serve HTTPS on, 0 for any free port")
	fs.BoolVar(&o.Profiling, "profiling", o.Profiling, "serve profiles of the process below /debug/pprof/")
	fs.BoolVar(&o.LocalRunners, "allow-local-runner-endpoints", o.LocalRunners,
		"send requests also to runners whose spec.endpoint is a loopback or link-local address")
	o.TLS.AddFlags(fs)
	o.Authentication.AddFlags(fs)
	o.Authorization.AddFlags(fs)
	fs.Lookup("authorization-kubeconfig").Usage = "kubeconfig of the core API server to send SubjectAccessReviews to; " +
		"without one, the group system:masters may do everything, the group " + ViewersGroup + " may read Sessions, " +
		"and other users may do nothing"
	fs.BoolVar(&o.InCluster, "in-cluster", o.InCluster,
		"connect to the core API server with the pod's service account, "+
			"unless --authentication-kubeconfig or --authorization-kubeconfig is set")
	fs.BoolVar(&o.PriorityAndFairness, "enable-priority-and-fairness", o.PriorityAndFairness,
		"share the limits of requests in flight as configured in the core API server "+
			"of --authorization-kubeconfig; no effect without one")
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	o.Requests.AddUniversalFlags(all)
	for _, name := range requestFlags {
		fs.AddFlag(all.Lookup(name))
	}
	fs.StringVar(&o.Audit.PolicyFile, "audit-policy-file", o.Audit.PolicyFile,
		"file that defines the audit policy configuration; requires --audit-log-path")
	o.Audit.LogOptions.AddFlags(fs)
	fs.DurationVar(&o.ShutdownDelay, "shutdown-delay-duration", o.ShutdownDelay,
		"time to keep serving after SIGTERM with /readyz failing; afterwards requests are answered with 429 and Retry-After")
	fs.DurationVar(&o.DrainTimeout, "shutdown-drain-timeout", o.DrainTimeout,
		"time to wait for watches and requests to end after --shutdown-delay-duration; remaining connections are closed")
}

// Validate returns all errors in the options other than Storage.
func (o *Options) Validate() []error {
	_, inCluster := coreConfig("", "", o.InCluster)
	errs := slices.Concat(
		o.validateAddress(),
		o.TLS.Validate(),
		o.Authentication.Validate(),
		o.validateAuthorization(),
		o.Requests.Validate(),
		o.validateAudit(),
		o.Web.validate(),
		[]error{
			inCluster,
			notNegative("--shutdown-delay-duration", o.ShutdownDelay),
			positive("--request-timeout", o.Requests.RequestTimeout),
			positive("--shutdown-drain-timeout", o.DrainTimeout),
		})
	if o.TLS.Secret != "" && !o.InCluster && o.Authentication.RemoteKubeConfigFile == "" {
		errs = append(errs, errors.New("--tls-secret requires --in-cluster or --authentication-kubeconfig"))
	}
	if _, err := version.ParseSemantic(o.Version); err != nil {
		errs = append(errs, fmt.Errorf("version: %q is not a semantic version", o.Version))
	}
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

func (o *Options) validateAddress() (errs []error) {
	if o.listener != nil {
		return nil
	}
	if ip := net.ParseIP(o.BindAddress); ip == nil {
		errs = append(errs, fmt.Errorf("--bind-address: %q is not an IP address", o.BindAddress))
	} else if ip.IsMulticast() || ip.Equal(net.IPv4bcast) {
		errs = append(errs, fmt.Errorf("--bind-address: %s is a multicast or broadcast address", ip))
	}
	if o.Port < 0 || o.Port > 65535 {
		errs = append(errs, fmt.Errorf("--secure-port: %d is out of range, must be from 0 (any free port) to 65535", o.Port))
	}
	return errs
}

func (o *Options) validateAudit() []error {
	log := o.Audit.LogOptions
	if log.Path == "" {
		log.Path = "-" // otherwise Validate ignores the other fields
	}
	errs := log.Validate()
	for i, err := range errs {
		// Upstream names the flags of the other errors.
		switch {
		case strings.Contains(err.Error(), "audit log format"):
			errs[i] = fmt.Errorf("--audit-log-format: %w", err)
		case strings.Contains(err.Error(), "group version"):
			errs[i] = fmt.Errorf("--audit-log-version: %w", err)
		}
	}
	switch {
	case o.Audit.PolicyFile == "" && o.Audit.LogOptions.Path != "":
		errs = append(errs, errors.New("--audit-log-path requires --audit-policy-file"))
	case o.Audit.PolicyFile != "" && o.Audit.LogOptions.Path == "":
		errs = append(errs, errors.New("--audit-policy-file requires --audit-log-path"))
	case o.Audit.PolicyFile != "":
		if _, err := policy.LoadPolicyFromFile(o.Audit.PolicyFile); err != nil {
			errs = append(errs, fmt.Errorf("--audit-policy-file: %w", err))
		}
	}
	return errs
}

func notNegative(flag string, d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("%s: %v must not be negative", flag, d)
	}
	return nil
}

func positive(flag string, d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("%s: %v must be positive", flag, d)
	}
	return nil
}

// Config validates the options and listens. If another process listens on the address, the error matches
// syscall.EADDRINUSE. The caller must call either New or Close of the result.
func (o *Options) Config() (*Config, error) {
	errs := o.Validate()
	if o.Storage == nil {
		errs = append(errs, errors.New("storage: must be set"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	listener, err := o.listen()
	if err != nil {
		return nil, err
	}
	options := *o
	if options.clock == nil {
		options.clock = clock.RealClock{}
	}
	config, err := newConfig(options, listener)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return config, nil
}

func (o *Options) listen() (*listener, error) {
	if o.listener != nil {
		return newListener(o.listener), nil
	}
	ip := net.ParseIP(o.BindAddress)
	network := "tcp"
	if ip.To4() != nil {
		network = "tcp4" // with "tcp", 0.0.0.0 includes all IPv6 addresses
	}
	// The error names the address.
	inner, err := net.ListenTCP(network, &net.TCPAddr{IP: ip, Port: o.Port})
	if err != nil {
		return nil, err
	}
	return newListener(inner), nil
}
