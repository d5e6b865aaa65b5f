// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/cert"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

const (
	// period is the time between two syncs. After a failure it is minRetry, which doubles up to period.
	period   = time.Minute
	minRetry = time.Second
	// propagation is how long an authority is published before its certificate is served.
	propagation = time.Minute
	// maxAttempts limits the attempts of a sync that conflicts with other servers.
	maxAttempts = 10
)

// SharedOptions configure Shared. All fields are required.
type SharedOptions struct {
	// Secret stores the authority and the certificate.
	Secret types.NamespacedName
	// Subject must be the same for all servers.
	Subject Subject
	// APIService is the name of the APIService in which the authority is published.
	APIService string
	// Core and Dynamic are clients of the kube-apiserver.
	Core    kubernetes.Interface
	Dynamic dynamic.Interface
	// Clock determines the age of certificates.
	Clock clock.WithTicker
}

// Shared is one server's copy of a serving certificate that several servers share.
//
// The server calls Run, which returns when its context is done.
type Shared struct {
	options SharedOptions
	current atomic.Pointer[material]
	// problem is why the authority has never been published.
	problem atomic.Pointer[error]
	// listeners must be added before Run.
	listeners []dynamiccertificates.Listener

	// published is the authority that the last successful sync has seen published, and
	// publishedFor for how long. Only NewShared and Run use them.
	published    *x509.Certificate
	publishedFor time.Duration
	lastSync     time.Time
}

var (
	_ dynamiccertificates.CertKeyContentProvider = (*Shared)(nil)
	_ dynamiccertificates.ControllerRunner       = (*Shared)(nil)
)

// NewShared returns the shared certificate, and creates it if there is none. A failure to
// publish its authority is no error: see Published.
func NewShared(ctx context.Context, options SharedOptions) (*Shared, error) {
	registerMetrics()
	s := &Shared{options: options}
	err := s.RunOnce(ctx)
	if s.current.Load() == nil {
		return nil, err
	}
	if err != nil {
		klog.FromContext(ctx).Error(err, "Cannot publish the authority of the serving certificate, will retry",
			"apiService", options.APIService)
	}
	return s, nil
}

// Published returns why the authority has never been published, or nil once it has been.
func (s *Shared) Published() error {
	if problem := s.problem.Load(); problem != nil {
		return *problem
	}
	return nil
}

// Name implements dynamiccertificates.CertKeyContentProvider.
func (s *Shared) Name() string { return "shared-serving-cert" }

// AddListener implements dynamiccertificates.Notifier.
func (s *Shared) AddListener(listener dynamiccertificates.Listener) {
	s.listeners = append(s.listeners, listener)
}

// CurrentCertKeyContent implements dynamiccertificates.CertKeyContentProvider.
func (s *Shared) CurrentCertKeyContent() (certificate, key []byte) {
	current := s.current.Load()
	return current.serving.Certificate, current.serving.Key
}

// Run implements dynamiccertificates.ControllerRunner.
func (s *Shared) Run(ctx context.Context, _ int) {
	retry := minRetry
	wait := period
	if s.Published() != nil {
		wait = retry
	}
	for {
		timer := s.options.Clock.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C():
		}
		err := s.RunOnce(ctx)
		if err == nil || ctx.Err() != nil {
			retry, wait = minRetry, period
			continue
		}
		retry, wait = min(2*retry, period), retry
		klog.FromContext(ctx).Error(err, "Cannot sync the serving certificate, will retry",
			"secret", s.options.Secret, "retryAfter", wait)
	}
}

// RunOnce implements dynamiccertificates.ControllerRunner.
func (s *Shared) RunOnce(ctx context.Context) error {
	var err error
	for range maxAttempts {
		err = s.sync(ctx)
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			break
		}
	}
	if err != nil {
		failures.Inc()
	}
	return err
}

// sync renews, publishes and serves what it should. The error is Conflict or AlreadyExists
// if another server has written at the same time.
func (s *Shared) sync(ctx context.Context) error {
	// The order matters: see the package comment.
	api, bundle, unpublished := s.readAPIService(ctx)
	secret, stored, err := s.readSecret(ctx)
	if err != nil {
		return err
	}
	now := s.options.Clock.Now().Round(0)
	wanted, reason, err := next(stored, s.trusted(bundle), s.isPublished(stored, overlap), s.options.Subject, now)
	if err != nil {
		return fmt.Errorf("issue a serving certificate: %w", err)
	}
	if wanted != stored {
		if err := s.writeSecret(ctx, secret, wanted); err != nil {
			return err
		}
		klog.FromContext(ctx).Info("Stored a new serving certificate",
			"secret", s.options.Secret, "reason", reason, "expires", wanted.leaf.NotAfter)
	}
	if unpublished == nil && !bytes.Equal(bundle, wanted.bundle()) {
		unpublished = s.writeAPIService(ctx, api, wanted.bundle())
	}
	if apierrors.IsConflict(unpublished) {
		return unpublished
	}
	s.record(wanted, unpublished, now)
	return unpublished
}

// trusted returns the authorities of the certificates that servers may be serving.
func (s *Shared) trusted(published []byte) []*x509.Certificate {
	// A bundle that can't be decoded contains no authorities.
	trusted, _ := cert.ParseCertsPEM(published)
	if current := s.current.Load(); current != nil {
		trusted = slices.Concat(trusted, current.trusted)
	}
	return trusted
}

// isPublished reports whether the authority of m has been published for a time.
func (s *Shared) isPublished(m *material, atLeast time.Duration) bool {
	return m != nil && m.authority.certificate.Equal(s.published) && s.publishedFor >= atLeast
}

// record records whether the authority is published, and serves the stored certificate if clients can verify it.
func (s *Shared) record(stored *material, unpublished error, now time.Time) {
	authority := stored.authority.certificate
	switch {
	case unpublished != nil && s.published == nil:
		s.problem.Store(&unpublished)
	case unpublished != nil:
	case authority.Equal(s.published):
		// While a machine is suspended, its servers don't change to another certificate.
		s.publishedFor += min(max(now.Sub(s.lastSync), 0), 2*period)
	default:
		s.published, s.publishedFor = authority, 0
		s.problem.Store(nil)
	}
	s.lastSync = now
	if !s.mayServe(stored, unpublished == nil, now) {
		return
	}
	s.current.Store(stored)
	expiration.Set(float64(stored.leaf.NotAfter.Unix()))
	for _, listener := range s.listeners {
		listener.Enqueue()
	}
}

// mayServe reports whether to replace the served certificate by the stored one.
func (s *Shared) mayServe(stored *material, published bool, now time.Time) bool {
	current := s.current.Load()
	switch {
	case current == nil:
		return true
	case current.leaf.Equal(stored.leaf):
		return false
	case current.authority.certificate.Equal(stored.authority.certificate):
		return true
	case s.isPublished(stored, propagation):
		return true
	case published && !slices.ContainsFunc(stored.trusted, current.authority.certificate.Equal):
		// No client can verify the served certificate.
		return true
	}
	// The served certificate expires, whether or not the authority is published.
	return now.After(current.leaf.NotAfter.Add(-propagation))
}

// ServiceSubject returns the names by which kube-apiserver verifies a server behind a Service.
func ServiceSubject(service types.NamespacedName) Subject {
	name := service.Name + "." + service.Namespace + ".svc"
	return Subject{Names: []string{name, name + ".cluster.local"}}
}

// The metrics are those of a process, which is expected to have one shared certificate.
var (
	expiration = metrics.NewGauge(&metrics.GaugeOpts{
		Name:           "tilt_session_serving_certificate_expiration_timestamp_seconds",
		Help:           "Unix time at which the serving certificate that is shared with other servers expires.",
		StabilityLevel: metrics.ALPHA,
	})
	failures = metrics.NewCounter(&metrics.CounterOpts{
		Name:           "tilt_session_serving_certificate_failures_total",
		Help:           "Number of failures to read, renew or publish the shared serving certificate or its authority.",
		StabilityLevel: metrics.ALPHA,
	})
)

// registerMetrics adds the metrics to the server's /metrics.
var registerMetrics = sync.OnceFunc(func() {
	legacyregistry.MustRegister(expiration, failures)
})
