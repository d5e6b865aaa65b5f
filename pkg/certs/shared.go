// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
)

const (
	// period is the time between two looks at what is shared, and minRetry that after
	// a failure, which doubles up to the period.
	period   = time.Minute
	minRetry = time.Second
	// settling is how long something is published before it's relied on.
	settling = time.Minute
	// maxAttempts is how often it's begun again when others write at the same time.
	maxAttempts = 10
)

// SharedOptions say what is shared by whom. All fields are required.
type SharedOptions struct {
	// Secret is where the authority and the certificate are.
	Secret types.NamespacedName
	// Subject is what the certificate is for, the same for all servers.
	Subject Subject
	// APIService is the name of the one in which the authority is published.
	APIService string
	// Core and Dynamic are clients of the cluster's kube-apiserver.
	Core    kubernetes.Interface
	Dynamic dynamic.Interface
	// Clock tells how old certificates are.
	Clock clockwork.Clock
}

// Shared is a serving certificate that several servers share, as one of them has it.
// The library runs it while the server serves, and picks up what it's told about.
type Shared struct {
	options SharedOptions
	current atomic.Pointer[material]
	// problem is why nothing was published yet.
	problem atomic.Pointer[error]
	// listeners are added before Run.
	listeners []dynamiccertificates.Listener

	// announced is the authority that was last seen to be published, and for how long,
	// up to the last look. Only who runs this uses it.
	announced    *x509.Certificate
	announcedFor time.Duration
	lastLook     time.Time
}

var (
	_ dynamiccertificates.CertKeyContentProvider = (*Shared)(nil)
	_ dynamiccertificates.ControllerRunner       = (*Shared)(nil)
)

// NewShared returns the certificate that is shared, which it makes if it's the first.
// That it can't be published isn't an error here: see Published.
func NewShared(ctx context.Context, options SharedOptions) (*Shared, error) {
	registerMetrics()
	s := &Shared{options: options}
	err := s.RunOnce(ctx)
	if s.current.Load() == nil {
		return nil, err
	}
	if err != nil {
		klog.FromContext(ctx).Error(err, "The authority of the serving certificate cannot be published yet", "apiService", options.APIService)
	}
	return s, nil
}

// Published returns why clients can't verify the server yet, and nil from the moment
// on at which they could.
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

// Run implements dynamiccertificates.ControllerRunner. It returns when ctx is done.
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
		case <-timer.Chan():
		}
		err := s.RunOnce(ctx)
		if err == nil || ctx.Err() != nil {
			retry, wait = minRetry, period
			continue
		}
		retry, wait = min(2*retry, period), retry
		klog.FromContext(ctx).Error(err, "The serving certificate cannot be looked after", "secret", s.options.Secret, "again in", wait)
	}
}

// RunOnce implements dynamiccertificates.ControllerRunner.
func (s *Shared) RunOnce(ctx context.Context) error {
	var err error
	for range maxAttempts {
		err = s.look(ctx)
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			break
		}
	}
	if err != nil {
		failures.Inc()
	}
	return err
}

// look brings everything to where it should be, unless somebody else writes at the
// same time.
func (s *Shared) look(ctx context.Context) error {
	// In this order: see the package's comment.
	api, bundle, unpublished := s.readAPIService(ctx)
	secret, kept, err := s.readSecret(ctx)
	if err != nil {
		return err
	}
	now := s.options.Clock.Now().Round(0)
	wanted, reason, err := next(kept, s.trusted(bundle), s.isPublished(kept, overlap), s.options.Subject, now)
	if err != nil {
		return fmt.Errorf("making a serving certificate: %w", err)
	}
	if wanted != kept {
		if err := s.writeSecret(ctx, secret, wanted); err != nil {
			return err
		}
		klog.FromContext(ctx).Info("Made another serving certificate", "secret", s.options.Secret, "reason", reason, "expires", wanted.leaf.NotAfter)
	}
	if unpublished == nil && !bytes.Equal(bundle, wanted.bundle()) {
		unpublished = s.writeAPIService(ctx, api, wanted.bundle())
	}
	if apierrors.IsConflict(unpublished) {
		return unpublished
	}
	s.note(wanted, unpublished, now)
	return unpublished
}

// trusted are the authorities of certificates that servers may be showing.
func (s *Shared) trusted(published []byte) []*x509.Certificate {
	// What can't be read makes nobody trusted.
	trusted, _ := decodeBundle(published)
	if current := s.current.Load(); current != nil {
		trusted = slices.Concat(trusted, current.trusted)
	}
	return trusted
}

// isPublished tells whether clients have been told of an authority for a time.
func (s *Shared) isPublished(m *material, atLeast time.Duration) bool {
	return m != nil && m.authority.certificate.Equal(s.announced) && s.announcedFor >= atLeast
}

// note remembers what is published, and has the server show the certificate that is
// shared as soon as it may.
func (s *Shared) note(shared *material, unpublished error, now time.Time) {
	authority := shared.authority.certificate
	switch {
	case unpublished != nil && s.announced == nil:
		s.problem.Store(&unpublished)
	case unpublished != nil:
	case authority.Equal(s.announced):
		// Time in which nobody looks, as of a machine that's asleep, has nobody change
		// to another certificate either.
		s.announcedFor += min(max(now.Sub(s.lastLook), 0), 2*period)
	default:
		s.announced, s.announcedFor = authority, 0
		s.problem.Store(nil)
	}
	s.lastLook = now
	if !s.mayShow(shared, unpublished == nil, now) {
		return
	}
	s.current.Store(shared)
	expiration.Set(float64(shared.leaf.NotAfter.Unix()))
	for _, listener := range s.listeners {
		listener.Enqueue()
	}
}

// mayShow tells whether it's time to show another certificate than before.
func (s *Shared) mayShow(shared *material, published bool, now time.Time) bool {
	current := s.current.Load()
	switch {
	case current == nil:
		return true
	case current.leaf.Equal(shared.leaf):
		return false
	case current.authority.certificate.Equal(shared.authority.certificate):
		return true
	case s.isPublished(shared, settling):
		return true
	case published && !slices.ContainsFunc(shared.trusted, current.authority.certificate.Equal):
		// Nobody trusts what was shown, so that others are better off at once.
		return true
	}
	// It's of no use any more, whatever others know.
	return now.After(current.leaf.NotAfter.Add(-settling))
}

// ServiceSubject is what a server is known as that kube-apiserver reaches by a Service.
func ServiceSubject(service types.NamespacedName) Subject {
	name := service.Name + "." + service.Namespace + ".svc"
	return Subject{Names: []string{name, name + ".cluster.local"}}
}
