// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	testserver "tilt.dev/session/pkg/testing/server"
)

// traffic is a set of clients that send requests all the time, each on one connection.
type traffic struct {
	stop     context.CancelFunc
	running  sync.WaitGroup
	requests atomic.Int64
	// connections counts the connections.
	connections atomic.Int64
	// refused counts the clients that have received 429 and stopped.
	refused atomic.Int64

	mu       sync.Mutex
	failures []error
}

// clients is the number of clients.
const clients = 4

// startTraffic starts clients that read and write Sessions, half of them over HTTP/2.
func startTraffic(t testing.TB, server *testserver.Server, config *tls.Config, headers ...string) *traffic {
	ctx, stop := context.WithCancel(t.Context())
	tr := &traffic{stop: stop}
	mixed := speaksHTTP2(t, server, config)
	for i := range clients {
		var transport http.RoundTripper = newConnection(server.Access().URL, config, &tr.connections)
		if mixed && i%2 == 0 {
			transport = tr.newTransport(t, config)
		}
		tr.running.Go(func() {
			client := &http.Client{Transport: transport}
			for n := 0; ctx.Err() == nil; n++ {
				refused, err := tr.send(ctx, client, server.Access().URL, n, headers)
				if ctx.Err() != nil {
					return
				}
				if refused {
					tr.refused.Add(1)
					return
				}
				if err != nil {
					tr.fail(err)
					return
				}
			}
		})
	}
	t.Cleanup(func() { tr.end() })
	return tr
}

// newTransport returns an HTTP/2 transport that counts its connections.
func (tr *traffic) newTransport(t testing.TB, config *tls.Config) *http.Transport {
	transport := &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: true, MaxConnsPerHost: 1}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		tr.connections.Add(1)
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// send sends one request and reports whether the server has refused it with 429.
func (tr *traffic) send(ctx context.Context, client *http.Client, url string, n int, headers []string) (refused bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+sessionsPath, nil)
	if n%2 == 1 {
		request, err = http.NewRequestWithContext(ctx, http.MethodPost, url+create.path, strings.NewReader(create.body))
	}
	if err != nil {
		return false, err
	}
	request.Header.Set("Content-Type", jsonType)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		return false, fmt.Errorf("request %d: %w", n, err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return false, fmt.Errorf("request %d: reading the answer: %w", n, err)
	}
	if response.StatusCode == http.StatusTooManyRequests && response.Header.Get("Retry-After") != "" {
		return true, nil
	}
	if response.StatusCode >= 300 {
		return false, fmt.Errorf("%s %d %s", request.Method, response.StatusCode, body)
	}
	tr.requests.Add(1)
	return false, nil
}

// goesOn waits until the clients have received more responses.
func (tr *traffic) goesOn(t testing.TB) {
	t.Helper()
	until := tr.requests.Load() + 40
	eventually(t, "requests are answered", func() bool { return tr.requests.Load() >= until || len(tr.failed()) > 0 })
}

func (tr *traffic) fail(err error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.failures = append(tr.failures, err)
}

func (tr *traffic) failed() []error {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.failures
}

// end stops the clients and returns their errors.
func (tr *traffic) end() []error {
	tr.stop()
	tr.running.Wait()
	return tr.failed()
}

// check ends the traffic. It fails the test if a request has failed or a connection has been closed.
func (tr *traffic) check(t testing.TB) {
	t.Helper()
	tr.goesOn(t)
	for _, failure := range tr.end() {
		t.Error(failure)
	}
	if made := tr.connections.Load(); made != clients {
		t.Errorf("%d connections were made by %d clients", made, clients)
	}
}
