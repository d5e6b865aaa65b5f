// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"sync/atomic"
	"time"

	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

const (
	selfIssuedLifetime = 365 * 24 * time.Hour
	// renewalPeriod is the time between two checks of the age. A timer for the moment
	// of the renewal itself would not advance while the machine is suspended.
	renewalPeriod = time.Hour
)

// SelfIssued is a serving certificate that this process issues from an authority in its memory. It is renewed after
// half of its lifetime, which leaves the other half for a machine that is suspended.
//
// The server calls Run, which returns when its context is done. Listeners must be added before Run.
type SelfIssued struct {
	subject   Subject
	authority *Authority
	clock     clock.WithTicker
	current   atomic.Pointer[issued]
	listeners []dynamiccertificates.Listener
}

// issued is a certificate with the time at which it was signed.
type issued struct {
	KeyPair
	at time.Time
}

var (
	_ dynamiccertificates.SNICertKeyContentProvider = (*SelfIssued)(nil)
	_ dynamiccertificates.ControllerRunner          = (*SelfIssued)(nil)
)

// NewSelfIssued issues a certificate.
func NewSelfIssued(authority *Authority, subject Subject, by clock.WithTicker) (*SelfIssued, error) {
	s := &SelfIssued{subject: subject, authority: authority, clock: by}
	return s, s.issue()
}

func (s *SelfIssued) issue() error {
	// The monotonic clock stops while the machine is suspended.
	now := s.clock.Now().Round(0)
	pair, err := s.authority.Sign(s.subject, now, selfIssuedLifetime)
	if err != nil {
		return err
	}
	s.current.Store(&issued{KeyPair: pair, at: now})
	for _, listener := range s.listeners {
		listener.Enqueue()
	}
	return nil
}

// Name implements dynamiccertificates.CertKeyContentProvider.
func (s *SelfIssued) Name() string { return "self-issued-serving-cert" }

// SNINames implements dynamiccertificates.SNICertKeyContentProvider.
func (s *SelfIssued) SNINames() []string { return s.subject.Names }

// AddListener implements dynamiccertificates.Notifier.
func (s *SelfIssued) AddListener(listener dynamiccertificates.Listener) {
	s.listeners = append(s.listeners, listener)
}

// CurrentCertKeyContent implements dynamiccertificates.CertKeyContentProvider.
func (s *SelfIssued) CurrentCertKeyContent() (certificate, key []byte) {
	current := s.current.Load()
	return current.Certificate, current.Key
}

// RunOnce implements dynamiccertificates.ControllerRunner.
func (s *SelfIssued) RunOnce(context.Context) error {
	if s.clock.Now().Round(0).Sub(s.current.Load().at) < selfIssuedLifetime/2 {
		return nil
	}
	return s.issue()
}

// Run implements dynamiccertificates.ControllerRunner.
func (s *SelfIssued) Run(ctx context.Context, _ int) {
	ticker := s.clock.NewTicker(renewalPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
			if err := s.RunOnce(ctx); err != nil {
				klog.FromContext(ctx).Error(err, "Cannot renew the serving certificate, will retry", "period", renewalPeriod)
			}
		}
	}
}
