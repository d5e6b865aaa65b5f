// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/authentication/user"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/certs"
	"tilt.dev/session/pkg/registry/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// runs has one run.
type runs struct{}

func (runs) Run(name string) (session.Run, bool) { return answers{}, name == "a" }

// answers is a run that answers by what it is asked.
type answers struct{ session.Run }

func (answers) Trigger(
	_ context.Context, spec *v1alpha1.SessionTriggerSpec, dryRun bool,
) (v1alpha1.SessionTriggerStatus, error) {
	if spec.Resources[0] == "unknown" {
		return v1alpha1.SessionTriggerStatus{}, apierrors.NewNotFound(v1alpha1.Resource("sessions"), "unknown")
	}
	if dryRun {
		return v1alpha1.SessionTriggerStatus{Resources: []string{"dry"}}, nil
	}
	return v1alpha1.SessionTriggerStatus{Resources: spec.Resources}, nil
}

func (answers) ReadLog(
	ctx context.Context, options *v1alpha1.SessionLogOptions, until <-chan struct{},
) (iter.Seq[[]byte], error) {
	if options.Grep == "(" {
		return nil, errors.New("no such thing")
	}
	return func(yield func([]byte) bool) {
		if !yield([]byte("one\n")) || !options.Follow {
			return
		}
		select {
		case <-ctx.Done():
		case <-until:
			yield([]byte("last\n"))
		}
	}, nil
}

// pair is an API server and a Runner with the UID "u".
type pair struct {
	*Dialer
	record *v1alpha1.Runner
	seen   http.Header
	ending chan struct{}
}

func newPair(t *testing.T, handler http.Handler) *pair {
	now := time.Now()
	authority := func() *certs.Authority {
		a, err := certs.NewAuthority(now, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	servers, clients := authority(), authority()
	p := &pair{ending: make(chan struct{})}
	if handler == nil {
		handler = &Handler{Current: func() (session.Runs, types.UID, bool) { return runs{}, "u", true }, Ending: p.ending}
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.seen = r.Header.Clone()
		handler.ServeHTTP(w, r)
	}))
	serving, err := servers.Sign(
		certs.Subject{Names: []string{"runner"}, Addresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(clients.Bundle())
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{load(t, serving)}, ClientCAs: trusted, ClientAuth: tls.RequireAndVerifyClientCert,
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	p.record = &v1alpha1.Runner{
		ObjectMeta: metav1.ObjectMeta{Name: "one", UID: "u"},
		Spec:       v1alpha1.RunnerSpec{Endpoint: server.URL, CABundle: servers.Bundle()},
	}
	client, err := clients.SignClient("api", now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	certificate := load(t, client)
	p.Dialer = &Dialer{
		Local:       true,
		Certificate: func(context.Context) (*tls.Certificate, error) { return &certificate, nil },
		Runner:      func(context.Context, string) (*v1alpha1.Runner, error) { return p.record, nil },
	}
	t.Cleanup(p.Close)
	return p
}

func load(t *testing.T, pair certs.KeyPair) tls.Certificate {
	t.Helper()
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func claimed(name string) *v1alpha1.Session {
	return &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Status:     v1alpha1.SessionStatus{Runner: &v1alpha1.SessionRunner{Name: "one", UID: "u"}},
	}
}

func asAlice(t *testing.T) context.Context {
	return genericapirequest.WithUser(t.Context(), &user.DefaultInfo{Name: "alice", Groups: []string{"g", "h"}})
}

func TestRequests(t *testing.T) {
	p := newPair(t, nil)
	run, err := p.Run(asAlice(t), claimed("a"))
	if err != nil {
		t.Fatal(err)
	}
	trigger := func(name string, dryRun bool) ([]string, error) {
		status, err := run.Trigger(asAlice(t), &v1alpha1.SessionTriggerSpec{Resources: []string{name}}, dryRun)
		return status.Resources, err
	}
	if got, err := trigger("b", false); err != nil || !slices.Equal(got, []string{"b"}) {
		t.Errorf("trigger: %v, %v", got, err)
	}
	if p.seen.Get(headerUser) != "alice" || !slices.Equal(p.seen[headerGroup], []string{"g", "h"}) ||
		p.seen.Get("Authorization") != "" {
		t.Errorf("the Runner saw %v", p.seen)
	}
	if got, err := trigger("b", true); err != nil || !slices.Equal(got, []string{"dry"}) {
		t.Errorf("dry run: %v, %v", got, err)
	}
	if _, err := trigger("unknown", false); !apierrors.IsNotFound(err) {
		t.Errorf("unknown: %v", err)
	}
	if _, err := run.ReadLog(t.Context(), &v1alpha1.SessionLogOptions{Grep: "("}, nil); !apierrors.IsInternalError(err) {
		t.Errorf("a log that fails: %v", err)
	}
	other, err := p.Run(t.Context(), claimed("b"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.ReadLog(t.Context(), &v1alpha1.SessionLogOptions{}, nil); !apierrors.IsConflict(err) {
		t.Errorf("a Session that isn't run there: %v", err)
	}
}

func TestLog(t *testing.T) {
	p := newPair(t, nil)
	run, err := p.Run(t.Context(), claimed("a"))
	if err != nil {
		t.Fatal(err)
	}
	read := func(options *v1alpha1.SessionLogOptions, until <-chan struct{}, first func()) string {
		pieces, err := run.ReadLog(t.Context(), options, until)
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for piece := range pieces {
			if text.Len() == 0 {
				first()
			}
			text.Write(piece)
		}
		return text.String()
	}
	if got := read(&v1alpha1.SessionLogOptions{}, nil, func() {}); got != "one\n" {
		t.Errorf("read %q", got)
	}
	until := make(chan struct{})
	if got := read(&v1alpha1.SessionLogOptions{Follow: true}, until, func() { close(until) }); got != "one\n" {
		t.Errorf("read %q until the API server ends", got)
	}
	if got := read(&v1alpha1.SessionLogOptions{Follow: true}, nil, func() { close(p.ending) }); got != "one\nlast\n" {
		t.Errorf("read %q until the Runner ends", got)
	}
}

func TestUnavailable(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*pair)
		want   string
	}{
		"another record": {func(p *pair) { p.record.UID = "v" }, "its record is gone"},
		"no record": {func(p *pair) {
			p.Runner = func(context.Context, string) (*v1alpha1.Runner, error) {
				return nil, apierrors.NewNotFound(v1alpha1.Resource("runners"), "one")
			}
		}, "its record is gone"},
		"no endpoint":         {func(p *pair) { p.record.Spec.Endpoint = "" }, "it has no spec.endpoint"},
		"a loopback address":  {func(p *pair) { p.Local = false }, "is not allowed"},
		"nothing listens":     {func(p *pair) { p.record.Spec.Endpoint = "https://127.0.0.1:1" }, "connection refused"},
		"another authority":   {func(p *pair) { p.record.Spec.CABundle = newPair(t, nil).record.Spec.CABundle }, "certificate"},
		"a stranger's key":    {func(p *pair) { p.Certificate = newPair(t, nil).Certificate }, "certificate"},
		"a key that is away":  {func(p *pair) { p.Certificate = failing }, "the storage is away"},
		"an answer of others": {func(*pair) {}, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			var handler http.Handler
			if name == "an answer of others" {
				handler = http.NotFoundHandler()
			}
			p := newPair(t, handler)
			c.change(p)
			run, err := p.Run(t.Context(), claimed("a"))
			if err == nil {
				_, err = run.ReadLog(t.Context(), &v1alpha1.SessionLogOptions{}, nil)
			}
			if !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func failing(context.Context) (*tls.Certificate, error) {
	return nil, errors.New("the storage is away")
}

// A redirect is an answer like any other that isn't a Status.
func TestRedirect(t *testing.T) {
	visited := false
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited = true }))
	defer target.Close()
	p := newPair(t, http.RedirectHandler(target.URL, http.StatusTemporaryRedirect))
	run, err := p.Run(t.Context(), claimed("a"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = run.Trigger(t.Context(), &v1alpha1.SessionTriggerSpec{Resources: []string{"b"}}, false)
	if !apierrors.IsServiceUnavailable(err) || visited {
		t.Errorf("error %v, followed %v", err, visited)
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string][2]bool{ // allowed, and if Local
		"10.0.0.7": {true, true}, "203.0.113.9": {true, true}, "2001:db8::1": {true, true},
		"127.0.0.1": {false, true}, "::1": {false, true}, "169.254.169.254": {false, true}, "fe80::1": {false, true},
		"0.0.0.0": {false, false}, "::": {false, false}, "224.0.0.1": {false, false}, "ff02::1": {false, false},
	} {
		for i, local := range []bool{false, true} {
			d := &Dialer{Local: local}
			if got := d.check(netip.MustParseAddr(address)) == nil; got != want[i] {
				t.Errorf("%s is allowed: %v (local %v)", address, got, local)
			}
		}
	}
	if err := (&Dialer{}).control("tcp", "[::ffff:127.0.0.1]:443", nil); err == nil {
		t.Error("a loopback address in IPv6 form is allowed")
	}
}
