// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"tilt.dev/session/hack/e2e/pki"
	"tilt.dev/session/hack/e2e/replica"
)

const sessionsPath = "/apis/tilt.dev/v1alpha1/sessions"

// master is what a front proxy says of a user who may do everything.
var master = http.Header{"X-Remote-User": {"root"}, "X-Remote-Group": {"system:masters"}}

// direct reaches a replica past the aggregator, with a certificate or without.
func (c *cluster) direct(r *replica.Replica, pair *pki.Pair) *rest.Config {
	config := &rest.Config{Host: "https://" + r.Address(), TLSClientConfig: rest.TLSClientConfig{ServerName: serverName, CAData: c.trust}}
	if pair != nil {
		config.CertData, config.KeyData = pair.Cert, pair.Key
	}
	return config
}

// ask sends a request without a body on a connection of its own, and returns the code
// and the body of the answer. A certificate that the server doesn't ask for is shown
// as well.
func ask(t testing.TB, config *rest.Config, method, path string, headers http.Header) (int, []byte) {
	t.Helper()
	settings, err := rest.TLSConfigFor(config)
	if err != nil {
		t.Fatal(err)
	}
	if len(settings.Certificates) > 0 {
		pair := settings.Certificates[0]
		settings.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	transport := &http.Transport{TLSClientConfig: settings}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), method, strings.TrimSuffix(config.Host, "/")+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = headers.Clone()
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body
}
