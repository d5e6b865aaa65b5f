// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// checkSecurity checks the authentication of clients and of the server.
func checkSecurity(t *testing.T, s *server) {
	t.Run("Credentials", func(t *testing.T) { t.Parallel(); needsCredentials(t, s) })
	t.Run("Rights", func(t *testing.T) {
		t.Parallel()
		paths := []string{sessionsPath, sessionsPath + "?watch=true", path("a")}
		if !s.Aggregated {
			// A cluster lists its resources to every authenticated user.
			paths = append(paths, versionPath)
		}
		for _, at := range paths {
			s.get(t, at, "Impersonate-User: other-"+unique(t)).failure(http.StatusForbidden, metav1.StatusReasonForbidden)
		}
	})
	t.Run("TLS", func(t *testing.T) { t.Parallel(); needsTLS(t, s) })
	t.Run("Kubeconfig", func(t *testing.T) { t.Parallel(); verifiedByKubeconfig(t, s) })
	t.Run("Loopback", func(t *testing.T) { t.Parallel(); listensOnLoopback(t, s) })
}

// anonymous is a server reached without credentials.
func anonymous(t *testing.T, s *server) *server {
	t.Helper()
	target := s.Target
	target.Config = rest.AnonymousClientConfig(s.Config)
	return newServer(t, target)
}

func needsCredentials(t *testing.T, s *server) {
	stranger := anonymous(t, s)
	paths := []string{sessionsPath, sessionsPath + "?watch=true", path("a"), statusPath("a"), versionPath}
	if !s.Aggregated {
		paths = append(paths, "/", "/apis", groupPath, "/metrics", "/openapi/v2", "/openapi/v3", "/version", "/none", "/healthzz", "/healthz/../metrics")
	}
	for _, at := range paths {
		for _, header := range []string{
			"Authorization: Bearer wrong", "Authorization: Bearer ", "Authorization: Basic YTpi", "Authorization: " + s.Config.BearerToken, "X-Remote-User: admin",
		} {
			answer := stranger.get(t, at, header)
			if code := answer.StatusCode; code == http.StatusForbidden {
				answer.failure(http.StatusForbidden, metav1.StatusReasonForbidden)
			} else {
				answer.failure(http.StatusUnauthorized, metav1.StatusReasonUnauthorized)
			}
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		answer := stranger.do(t, method, sessionsPath, newSession(unique(t)))
		if answer.StatusCode != http.StatusUnauthorized && answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s is answered %d", method, answer.StatusCode)
		}
	}
	for _, at := range healthPaths {
		stranger.get(t, at).want(http.StatusOK)
	}
	if token := s.Config.BearerToken; token != "" {
		// Addresses end up in logs, so a token in one isn't a credential.
		for _, name := range []string{"access_token", "token", "bearer_token"} {
			if code := stranger.get(t, sessionsPath+"?"+name+"="+url.QueryEscape(token)).StatusCode; code != http.StatusUnauthorized && code != http.StatusForbidden {
				t.Errorf("a token in the query is answered %d", code)
			}
		}
		stranger.get(t, sessionsPath, "Authorization: Bearer "+token).want(http.StatusOK)
		stranger.get(t, sessionsPath, "Authorization: Bearer "+token+"x").want(http.StatusUnauthorized)
		stranger.get(t, sessionsPath, "Authorization: Bearer "+token[:len(token)-1]).want(http.StatusUnauthorized)
	}
}

func needsTLS(t *testing.T, s *server) {
	config, err := rest.TLSConfigFor(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(s.Config.Host, "https://")
	for version, accepted := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		config := config.Clone()
		config.MinVersion, config.MaxVersion = version, version
		connection, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", address)
		if (err == nil) != accepted {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			_ = connection.Close()
		}
	}
	plain, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+sessionsPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	plain.Header.Set("Authorization", "Bearer "+s.Config.BearerToken)
	transport := &http.Transport{DisableKeepAlives: true}
	if response, err := transport.RoundTrip(plain); err == nil {
		_ = response.Body.Close()
		if response.StatusCode < http.StatusBadRequest { // Without TLS there is the web page at most.
			t.Errorf("without TLS it's answered %d", response.StatusCode)
		}
	}
}

// verifiedByKubeconfig: the file has what verifies the server, and only its owner may read it.
func verifiedByKubeconfig(t *testing.T, s *server) {
	info, err := os.Stat(s.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("the mode of the kubeconfig is %v", mode)
	}
	config, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if config.Insecure || len(config.CAData) == 0 && config.CAFile == "" {
		t.Errorf("the kubeconfig doesn't verify the server: %+v", config.TLSClientConfig)
	}
	target := s.Target
	target.Config = config
	newServer(t, target).get(t, sessionsPath+"?limit=1").want(http.StatusOK)

	// The system's authorities don't know it.
	config = rest.CopyConfig(config)
	config.CAData, config.CAFile = nil, ""
	target.Config = config
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, config.Host+"/livez", nil)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := newServer(t, target).http.Do(request); err == nil {
		_ = response.Body.Close()
		t.Error("the certificate is good without the authority of the kubeconfig")
	}
}

// listensOnLoopback: a server with a loopback address listens on no other one.
func listensOnLoopback(t *testing.T, s *server) {
	host, err := url.Parse(s.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	if address := net.ParseIP(host.Hostname()); address == nil || !address.IsLoopback() {
		return
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		network, ok := address.(*net.IPNet)
		if !ok || network.IP.IsLoopback() || network.IP.IsLinkLocalUnicast() {
			continue
		}
		dialer := net.Dialer{Timeout: time.Second}
		if connection, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(network.IP.String(), host.Port())); err == nil {
			_ = connection.Close()
			t.Errorf("it listens on %v", network.IP)
		}
	}
}
