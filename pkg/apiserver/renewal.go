// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/certs"
)

const (
	// renewalAge is how old a certificate gets. It leaves the time that a machine
	// may be asleep, in which nothing is renewed.
	renewalAge = certificateLifetime / 2
	// renewalPeriod is how often ages are looked at. A timer for the moment itself
	// would stand still while the machine is asleep.
	renewalPeriod = time.Hour
)

// renewed is a certificate that is signed anew when it has got old. The library
// runs it while the server serves, and picks up what it's told about.
type renewed struct {
	// name is the one by which clients ask for this certificate among several.
	name      string
	subject   certs.Subject
	authority *certs.Authority
	clock     clockwork.Clock
	current   atomic.Pointer[issued]
	// listeners are added before Run.
	listeners []dynamiccertificates.Listener
}

// issued is a certificate with the time at which it was signed.
type issued struct {
	certs.KeyPair
	at time.Time
}

var (
	_ dynamiccertificates.SNICertKeyContentProvider = (*renewed)(nil)
	_ dynamiccertificates.ControllerRunner          = (*renewed)(nil)
)

func newRenewed(name string, subject certs.Subject, authority *certs.Authority, clock clockwork.Clock) (*renewed, error) {
	r := &renewed{name: name, subject: subject, authority: authority, clock: clock}
	return r, r.renew()
}

func (r *renewed) renew() error {
	// Only what the clock on the wall says goes on while the machine is asleep.
	now := r.clock.Now().Round(0)
	pair, err := r.authority.Sign(r.subject, now, certificateLifetime)
	if err != nil {
		return err
	}
	r.current.Store(&issued{KeyPair: pair, at: now})
	for _, listener := range r.listeners {
		listener.Enqueue()
	}
	return nil
}

// Name implements dynamiccertificates.CertKeyContentProvider.
func (r *renewed) Name() string { return r.name }

// SNINames implements dynamiccertificates.SNICertKeyContentProvider.
func (r *renewed) SNINames() []string { return []string{r.name} }

// AddListener implements dynamiccertificates.Notifier.
func (r *renewed) AddListener(listener dynamiccertificates.Listener) {
	r.listeners = append(r.listeners, listener)
}

// CurrentCertKeyContent implements dynamiccertificates.CertKeyContentProvider.
func (r *renewed) CurrentCertKeyContent() (certificate, key []byte) {
	current := r.current.Load()
	return current.Certificate, current.Key
}

// RunOnce implements dynamiccertificates.ControllerRunner.
func (r *renewed) RunOnce(context.Context) error {
	if r.clock.Now().Round(0).Sub(r.current.Load().at) < renewalAge {
		return nil
	}
	return r.renew()
}

// Run implements dynamiccertificates.ControllerRunner. It returns when ctx is done.
func (r *renewed) Run(ctx context.Context, _ int) {
	ticker := r.clock.NewTicker(renewalPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.Chan():
			// It's tried again in time.
			if err := r.RunOnce(ctx); err != nil {
				klog.FromContext(ctx).Error(err, "A certificate cannot be renewed", "certificate", r.name)
			}
		}
	}
}
