// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/server/healthz"

	"tilt.dev/session/pkg/registry/session"
)

// Storage is where Sessions are kept. It outlives the server: whoever made it
// closes it after Run has returned.
type Storage interface {
	// RESTOptionsGetter tells the registry how to open its storage.
	RESTOptionsGetter() generic.RESTOptionsGetter
	// HealthChecks return why the storage can't be relied on at the moment.
	HealthChecks() []healthz.HealthChecker
}

// Options are what can be chosen about a server. NewOptions has the defaults.
type Options struct {
	// Storage is required.
	Storage Storage
	// Runs, if set, knows which Sessions are run by this process, to answer what
	// is asked of them. Without it none is.
	Runs session.Runs
	// BindAddress is the IP address to listen on.
	BindAddress string
	// Port is the TCP port to listen on, 0 for any that's free.
	Port int
	// Listener, if set, is used instead of BindAddress and Port. The server
	// closes it.
	Listener net.Listener
	// TLS is what the server proves its identity with.
	TLS TLSOptions
	// Authentication is by what users are known, beside Token.
	Authentication AuthenticationOptions
	// Authorization is who decides what users may do.
	Authorization AuthorizationOptions
	// InCluster has the core API server be reached as the service account of the
	// pod that the process runs in, where no kubeconfig says otherwise.
	InCluster bool
	// IdentityDir is a directory in which the server keeps the authority of its own
	// certificates and the owner's token, so that clients needn't be told of new
	// ones after a restart. It belongs to one process at a time. If it's empty both
	// end with the process.
	IdentityDir string
	// Token is the bearer token of the server's owner. If it's empty it's the one
	// that is kept, or a random one. Its holders may do everything, whatever else
	// the server knows users by.
	Token string
	// Version is the version of the program: a semantic version, with or without a
	// leading "v". /version reports it as the build metadata of the version of
	// Kubernetes that the API is compatible with.
	Version string
	// ShutdownDelay is how long the server goes on as before once it's told to stop,
	// except that it isn't ready any more, so that clients are sent elsewhere. If
	// it's set, new requests after that are answered with 429 and Retry-After until
	// those before have been answered.
	ShutdownDelay time.Duration
	// DrainTimeout bounds how long Run waits, once it's told to stop and
	// ShutdownDelay has passed, for open watches to take what is pending and for
	// requests to be answered. What isn't done by then is cut.
	DrainTimeout time.Duration
	// Requests limit how much of the server requests may take.
	Requests RequestOptions
	// Profiling serves the profiles of the process below /debug/pprof/.
	Profiling bool
	// Audit, if set, is where the requests are recorded. Without it nothing is.
	Audit *Audit
	// AuditFiles say the same by files, where Audit isn't set.
	AuditFiles AuditOptions

	// clock is for what goes by the date, the real one if nil.
	clock clockwork.Clock
}

// Audit says which requests are recorded and where. Beside what the library
// records, updates of Sessions are annotated with what they have led to, under
// keys that begin with "session.tilt.dev/".
type Audit struct {
	// Policy decides of each request how much of it is recorded.
	Policy audit.PolicyRuleEvaluator
	// Backend takes the events. The server runs it and shuts it down when the
	// last request is answered; what it writes to is the caller's to close after
	// that.
	Backend audit.Backend
}

// NewOptions returns the defaults: any free port of the loopback interface.
func NewOptions() *Options {
	return &Options{
		BindAddress:  "127.0.0.1",
		Version:      "v0.0.0",
		DrainTimeout: 2 * time.Second,

		Authentication: newAuthenticationOptions(),
		Authorization:  newAuthorizationOptions(),
		Requests:       newRequestOptions(),
		AuditFiles:     newAuditOptions(),
	}
}

// AddFlags adds the flags of a server that not only this process reaches, with what
// is set as their defaults.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.BindAddress, "bind-address", o.BindAddress, "IP address to listen on, by default ::1 where there's no 127.0.0.1; 0.0.0.0 stands for all of the machine's IPv4 addresses, :: for all it has")
	fs.IntVar(&o.Port, "secure-port", o.Port, "port to listen on with TLS, 0 for any that's free")
	fs.BoolVar(&o.Profiling, "profiling", o.Profiling, "serve profiles of the process below /debug/pprof/")
	o.TLS.AddFlags(fs)
	o.Authentication.AddFlags(fs)
	o.Authorization.AddFlags(fs)
	o.Requests.AddFlags(fs)
	o.AuditFiles.AddFlags(fs)
	fs.DurationVar(&o.ShutdownDelay, "shutdown-delay-duration", o.ShutdownDelay,
		"how long to go on after SIGTERM with /readyz failing, so that clients are sent elsewhere; after it requests are told to be tried again")
	fs.DurationVar(&o.DrainTimeout, "shutdown-drain-timeout", o.DrainTimeout,
		"how long, after that, to wait for watches and requests to end before they're cut")
	fs.BoolVar(&o.InCluster, "in-cluster", o.InCluster,
		"reach the core API server as the service account of the pod, where --authentication-kubeconfig or --authorization-kubeconfig isn't given")
}

// Validate returns everything that's wrong with what can be chosen before there's
// a Storage.
func (o *Options) Validate() []error {
	var errs []error
	if o.Listener == nil {
		if ip := net.ParseIP(o.BindAddress); ip == nil {
			errs = append(errs, fmt.Errorf("--bind-address: %q is not an IP address", o.BindAddress))
		} else if ip.IsMulticast() || ip.Equal(net.IPv4bcast) {
			errs = append(errs, fmt.Errorf("--bind-address: %s is a multicast or broadcast address: give one of this machine", ip))
		}
		if o.Port < 0 || o.Port > 65535 {
			errs = append(errs, fmt.Errorf("--secure-port: %d is out of range, it must be from 0 (any free port) to 65535", o.Port))
		}
	}
	errs = append(errs, o.TLS.Validate()...)
	if o.TLS.fromSecret() && !o.InCluster && o.Authentication.Kubeconfig == "" {
		errs = append(errs, errors.New("--tls-secret: it's one of a core API server, which --in-cluster or --authentication-kubeconfig must tell of"))
	}
	errs = append(errs, o.Authentication.Validate()...)
	errs = append(errs, o.Authorization.Validate()...)
	errs = append(errs, o.Requests.Validate()...)
	errs = append(errs, o.AuditFiles.Validate()...)
	if o.ShutdownDelay < 0 {
		errs = append(errs, fmt.Errorf("--shutdown-delay-duration: %v must not be negative", o.ShutdownDelay))
	}
	if _, err := coreConfig("", "", o.InCluster); err != nil {
		errs = append(errs, err)
	}
	if _, err := version.ParseSemantic(o.Version); err != nil {
		errs = append(errs, fmt.Errorf("version: %q is not a semantic version", o.Version))
	}
	if o.DrainTimeout <= 0 {
		errs = append(errs, fmt.Errorf("--shutdown-drain-timeout: %v must be positive", o.DrainTimeout))
	}
	if o.Audit != nil && (o.Audit.Policy == nil || o.Audit.Backend == nil) {
		errs = append(errs, errors.New("audit: both a policy and a backend must be set"))
	}
	return errs
}

// Config validates the options and takes the address. While another process
// has it the error is syscall.EADDRINUSE for errors.Is. From here on somebody
// must call either New or Close of what's returned.
func (o *Options) Config() (*Config, error) {
	errs := o.Validate()
	if o.Storage == nil {
		errs = append(errs, errors.New("storage: none is set"))
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
		options.clock = clockwork.NewRealClock()
	}
	config, err := newConfig(options, listener)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return config, nil
}

func (o *Options) listen() (*listener, error) {
	if o.Listener != nil {
		return newListener(o.Listener), nil
	}
	ip := net.ParseIP(o.BindAddress)
	network := "tcp"
	if ip.To4() != nil {
		network = "tcp4" // otherwise 0.0.0.0 would be all addresses of IPv6 as well
	}
	// The error names the address.
	inner, err := net.ListenTCP(network, &net.TCPAddr{IP: ip, Port: o.Port})
	if err != nil {
		return nil, err
	}
	return newListener(inner), nil
}
