// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/certs"
)

const (
	// followPeriod is how often files are looked at.
	followPeriod = time.Second
	// unusableFor is how often in a row files can't be used before it's told: they
	// don't go together while one of them is replaced and the other isn't yet.
	unusableFor = 5
)

// certificateFiles are the files of a certificate and its key, which the library
// has followed while the server serves. What can't be used is left out.
type certificateFiles struct {
	certificate, key string
	clock            clockwork.Clock
	current          atomic.Pointer[certs.KeyPair]
	// listeners are added before Run.
	listeners []dynamiccertificates.Listener
}

var (
	_ dynamiccertificates.CertKeyContentProvider = (*certificateFiles)(nil)
	_ dynamiccertificates.ControllerRunner       = (*certificateFiles)(nil)
)

// newCertificateFiles reads the files for the first time.
func newCertificateFiles(certificate, key string, clock clockwork.Clock) (*certificateFiles, error) {
	f := &certificateFiles{certificate: certificate, key: key, clock: clock}
	return f, f.RunOnce(context.Background())
}

// Name implements dynamiccertificates.CertKeyContentProvider.
func (f *certificateFiles) Name() string { return "serving-cert" }

// AddListener implements dynamiccertificates.Notifier.
func (f *certificateFiles) AddListener(listener dynamiccertificates.Listener) {
	f.listeners = append(f.listeners, listener)
}

// CurrentCertKeyContent implements dynamiccertificates.CertKeyContentProvider.
func (f *certificateFiles) CurrentCertKeyContent() (certificate, key []byte) {
	current := f.current.Load()
	return current.Certificate, current.Key
}

// RunOnce implements dynamiccertificates.ControllerRunner: it takes what the files
// have now, unless that can't be used.
func (f *certificateFiles) RunOnce(context.Context) error {
	certificate, err := os.ReadFile(f.certificate)
	if err != nil {
		return err
	}
	key, err := os.ReadFile(f.key)
	if err != nil {
		return err
	}
	if current := f.current.Load(); current != nil && bytes.Equal(current.Certificate, certificate) && bytes.Equal(current.Key, key) {
		return nil
	}
	if _, err := tls.X509KeyPair(certificate, key); err != nil {
		return fmt.Errorf("%s and %s: %w", f.certificate, f.key, err)
	}
	f.current.Store(&certs.KeyPair{Certificate: certificate, Key: key})
	for _, listener := range f.listeners {
		listener.Enqueue()
	}
	return nil
}

// Run implements dynamiccertificates.ControllerRunner. It returns when ctx is done.
func (f *certificateFiles) Run(ctx context.Context, _ int) {
	ticker := f.clock.NewTicker(followPeriod)
	defer ticker.Stop()
	for failed := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.Chan():
		}
		err := f.RunOnce(ctx)
		if err == nil {
			failed = 0
			continue
		}
		if failed++; failed == unusableFor {
			klog.FromContext(ctx).Error(err, "The serving certificate cannot be replaced by what its files have now")
		}
	}
}
