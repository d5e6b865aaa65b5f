// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/testserver"
)

// traffic are clients that keep on sending requests, each on one connection.
type traffic struct {
	stop     context.CancelFunc
	running  sync.WaitGroup
	requests atomic.Int64
	// connections is how many were made.
	connections atomic.Int64

	mu       sync.Mutex
	failures []string
}

// startTraffic has clients read and write Sessions of a server, half of them by
// HTTP/2.
func startTraffic(t testing.TB, server *testserver.Server, config *tls.Config, headers ...string) *traffic {
	ctx, stop := context.WithCancel(t.Context())
	tr := &traffic{stop: stop}
	for i := range 8 {
		transport := &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: i%2 == 0, MaxConnsPerHost: 1}
		t.Cleanup(transport.CloseIdleConnections)
		tr.running.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if failure := tr.send(ctx, &http.Client{Transport: transport}, server.Access().URL, n, headers); failure != "" && ctx.Err() == nil {
					tr.mu.Lock()
					tr.failures = append(tr.failures, failure)
					tr.mu.Unlock()
					return
				}
			}
		})
	}
	t.Cleanup(func() { tr.end() })
	return tr
}

// send makes one request and returns what's wrong with its answer.
func (tr *traffic) send(ctx context.Context, client *http.Client, url string, n int, headers []string) string {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if !info.Reused {
			tr.connections.Add(1)
		}
	}})
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+sessionsPath, nil)
	if n%2 == 1 {
		request, err = http.NewRequestWithContext(ctx, http.MethodPost, url+create.path, strings.NewReader(create.body))
	}
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Content-Type", jsonType)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		return err.Error()
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || response.StatusCode >= 300 {
		return fmt.Sprintf("%s %d %s %v", request.Method, response.StatusCode, body, err)
	}
	tr.requests.Add(1)
	return ""
}

// goesOn waits until each client has had some more answers.
func (tr *traffic) goesOn(t testing.TB) {
	t.Helper()
	until := tr.requests.Load() + 100
	eventually(t, "requests are answered", func() bool { return tr.requests.Load() >= until || len(tr.failed()) > 0 })
}

func (tr *traffic) failed() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.failures
}

// end stops the clients and returns what went wrong.
func (tr *traffic) end() []string {
	tr.stop()
	tr.running.Wait()
	return tr.failed()
}

// check ends the traffic, in which no request may have failed and no connection
// may have been closed.
func (tr *traffic) check(t testing.TB) {
	t.Helper()
	tr.goesOn(t)
	for _, failure := range tr.end() {
		t.Error(failure)
	}
	if made := tr.connections.Load(); made != 8 {
		t.Errorf("%d connections were made by 8 clients", made)
	}
}

func TestServingCertificateIsReloaded(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	issuer := newAuthority(t, "servers")
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) {
		o.TLS.CertFile, o.TLS.KeyFile = writePair(t, directory, issuer.server("first"))
	}})
	shown := func(name string, issuer *authority) func() bool {
		return func() bool {
			c := leaf(t, server, &tls.Config{RootCAs: issuer.pool(), ServerName: name})
			return c != nil && c.Subject.CommonName == name
		}
	}
	owner := startTraffic(t, server, &tls.Config{RootCAs: ownRoots(t, server), ServerName: server.Access().ServerName}, "Authorization: Bearer "+server.Access().Token)
	others := startTraffic(t, server, &tls.Config{RootCAs: issuer.pool(), ServerName: "first"}, "Authorization: Bearer "+server.Access().Token)
	others.goesOn(t)

	writePair(t, directory, issuer.server("second"))
	eventually(t, "the second certificate is served", shown("second", issuer))
	// What can't be used changes nothing, and doesn't keep the next from being used.
	replaceFile(t, filepath.Join(directory, "tls.crt"), []byte("garbage"))
	others.goesOn(t)
	if !shown("second", issuer)() {
		t.Error("an unusable certificate has replaced the good one")
	}
	next := newAuthority(t, "new servers")
	writePair(t, directory, next.server("third"))
	eventually(t, "the third certificate is served", shown("third", next))
	owner.check(t)
	others.check(t)
	newRawClient(t, server).do(http.MethodGet, sessionsPath, nil).want(http.StatusOK)
}

func TestClientAuthoritiesAreReloaded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ca.crt")
	before, after := newAuthority(t, "users"), newAuthority(t, "users")
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) {
		o.Authentication.ClientCert.ClientCA = writeBundle(t, path, before)
	}})
	old, young := before.client("max", []string{"system:masters"}), after.client("max", []string{"system:masters"})
	code := func(certificate tls.Certificate) func(int) func() bool {
		client := as(t, server, identity{certificate: &certificate})
		return func(code int) func() bool {
			return func() bool { return client.do(http.MethodGet, sessionsPath, nil).code == code }
		}
	}
	byOld, byYoung := code(old), code(young)
	tr := startTraffic(t, server, &tls.Config{RootCAs: ownRoots(t, server), Certificates: []tls.Certificate{old}})
	tr.goesOn(t)
	if !byYoung(http.StatusUnauthorized)() {
		t.Error("the new authority is trusted before it's told of")
	}
	writeBundle(t, path, before, after)
	eventually(t, "both authorities are trusted", byYoung(http.StatusOK))
	tr.check(t)
	// From here on only those of the new one are known, on open connections as well.
	tr = startTraffic(t, server, &tls.Config{RootCAs: ownRoots(t, server), Certificates: []tls.Certificate{young}})
	tr.goesOn(t)
	writeBundle(t, path, after)
	eventually(t, "the old authority isn't trusted any more", byOld(http.StatusUnauthorized))
	tr.check(t)
}
