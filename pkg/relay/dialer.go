// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/registry/session"
)

const (
	// dialTimeout bounds the time to connect, answerTimeout the time to the header of an answer.
	dialTimeout   = 5 * time.Second
	answerTimeout = 30 * time.Second
	// idleTimeout is how long a connection without a request is kept.
	idleTimeout = 90 * time.Second
)

// Dialer finds the runs of Runners. It is safe for concurrent use.
type Dialer struct {
	// Runner returns the record of a Runner by its name. Its errors are those of the API.
	Runner func(ctx context.Context, name string) (*v1alpha1.Runner, error)
	// Certificate is what the API server authenticates with.
	Certificate func(ctx context.Context) (*tls.Certificate, error)
	// Local allows addresses of the machine and of the link that the API server is on.
	Local bool

	mu sync.Mutex
	// clients are those of Runners, by UID.
	clients map[types.UID]*client
}

// client is the way to a Runner, as its record was.
type client struct {
	endpoint, bundle string
	http             *http.Client
}

var _ session.Remote = (*Dialer)(nil)

// Run implements session.Remote.
func (d *Dialer) Run(ctx context.Context, of *v1alpha1.Session) (session.Run, error) {
	claim := of.Status.Runner
	record, err := d.Runner(ctx, claim.Name)
	switch {
	case apierrors.IsNotFound(err), err == nil && record.UID != claim.UID:
		d.forget(claim.UID)
		return nil, unavailable(claim.Name, errors.New("its record is gone"))
	case err != nil:
		return nil, err
	case record.Spec.Endpoint == "":
		return nil, unavailable(claim.Name, errors.New("it has no spec.endpoint"))
	}
	http, err := d.client(ctx, record)
	if err != nil {
		return nil, unavailable(claim.Name, err)
	}
	return &remoteRun{session: of.Name, runner: record, http: http}, nil
}

// unavailable is the error of a Runner that can't be asked.
func unavailable(runner string, err error) error {
	return apierrors.NewServiceUnavailable(fmt.Sprintf("runner %q can't be reached: %v", runner, err))
}

// client returns the way to a Runner. Requests share connections as long as its record stays the same.
func (d *Dialer) client(ctx context.Context, r *v1alpha1.Runner) (*http.Client, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known := d.clients[r.UID]; known != nil {
		if known.endpoint == r.Spec.Endpoint && known.bundle == string(r.Spec.CABundle) {
			return known.http, nil
		}
		known.http.CloseIdleConnections()
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(r.Spec.CABundle) {
		return nil, errors.New("its spec.caBundle has no certificate")
	}
	certificate, err := d.Certificate(ctx)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: dialTimeout, Control: d.control}
	added := &client{endpoint: r.Spec.Endpoint, bundle: string(r.Spec.CABundle), http: &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext,
			TLSClientConfig: &tls.Config{
				RootCAs: roots, Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS13,
			},
			TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: answerTimeout, IdleConnTimeout: idleTimeout,
			DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if d.clients == nil {
		d.clients = map[types.UID]*client{}
	}
	d.clients[r.UID] = added
	return added.http, nil
}

// forget drops the connections to a Runner that is gone.
func (d *Dialer) forget(uid types.UID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known := d.clients[uid]; known != nil {
		known.http.CloseIdleConnections()
		delete(d.clients, uid)
	}
}

// Close drops all idle connections.
func (d *Dialer) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, known := range d.clients {
		known.http.CloseIdleConnections()
	}
	d.clients = nil
}

// control refuses an address before a connection to it is made, whatever name it was resolved from.
func (d *Dialer) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	return d.check(at.Addr().Unmap())
}

func (d *Dialer) check(ip netip.Addr) error {
	local := ip.IsLoopback() || ip.IsLinkLocalUnicast()
	if ip.IsMulticast() || ip.IsUnspecified() || local && !d.Local {
		return fmt.Errorf("the address %s of its spec.endpoint is not allowed", ip)
	}
	return nil
}
