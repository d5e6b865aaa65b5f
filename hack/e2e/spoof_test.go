// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"testing"

	"k8s.io/client-go/rest"

	"tilt.dev/session/hack/e2e/pki"
)

// testSpoofing: who reaches a replica past the aggregator is nobody, whatever the
// headers say, without the certificate of the aggregator.
func testSpoofing(t *testing.T, c *cluster) {
	replica := "https://" + c.replicas[0].Address()
	for name, test := range map[string]struct {
		pair *pki.Pair
		want int
	}{
		"no certificate":                {nil, http.StatusUnauthorized},
		"certificate of another name":   {pairOf(c.proxies.Client("back-proxy-client")), http.StatusUnauthorized},
		"certificate of another CA":     {pairOf(pki.NewAuthority(t, "proxies").Client(proxyName)), http.StatusUnauthorized},
		"certificate of a user":         {pairOf(c.users.Client("ed", "editors")), http.StatusUnauthorized},
		"certificate of a server":       {pairOf(c.proxies.Server(proxyName)), http.StatusUnauthorized},
		"certificate of the aggregator": {pairOf(c.proxies.Client(proxyName)), http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			config := &rest.Config{Host: replica, TLSClientConfig: rest.TLSClientConfig{ServerName: serverName, CAData: c.servers.PEM()}}
			if test.pair != nil {
				config.CertData, config.KeyData = test.pair.Cert, test.pair.Key
			}
			for user, headers := range map[string]http.Header{
				"a master": {"X-Remote-User": {"root"}, "X-Remote-Group": {"system:masters"}},
				"a viewer": {"X-Remote-User": {"vera"}, "X-Remote-Group": {"viewers", "system:authenticated"}},
			} {
				if code, body := get(t, config, replica+"/apis/tilt.dev/v1alpha1/sessions", headers); code != test.want {
					t.Errorf("as %s: %d instead of %d: %s", user, code, test.want, body)
				}
			}
		})
	}
	// Through the aggregator they're overwritten.
	code, body := get(t, c.front.User("otto", "others"), c.front.Stranger().Host+"/apis/tilt.dev/v1alpha1/sessions",
		http.Header{"X-Remote-User": {"root"}, "X-Remote-Group": {"system:masters"}})
	if code != http.StatusForbidden {
		t.Errorf("through the aggregator: %d: %s", code, body)
	}
}

func pairOf(pair pki.Pair) *pki.Pair { return &pair }

// get is answered with a code and a body. A certificate that the server doesn't ask
// for is shown as well.
func get(t *testing.T, config *rest.Config, url string, headers http.Header) (int, []byte) {
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
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = headers
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
