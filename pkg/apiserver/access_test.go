// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"crypto/tls"
	"net/http"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	testserver "tilt.dev/session/pkg/testing/server"
)

func TestRequestsWithoutAValidTokenAreRefused(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	client := newRawClient(t, server)
	client.token = ""

	paths := []string{"/", "/api", "/apis", "/metrics", "/version", "/openapi/v2", "/openapi/v3", "/healthzz", "/healthz../metrics", sessionsPath, sessionsPath + "?watch=true"}
	credentials := map[string][]string{
		"none":            nil,
		"a wrong token":   {"Authorization: Bearer wrong"},
		"no token":        {"Authorization: Bearer "},
		"another scheme":  {"Authorization: Basic " + server.Access().Token},
		"a prefix of it":  {"Authorization: Bearer " + server.Access().Token[:10]},
		"more than it":    {"Authorization: Bearer " + server.Access().Token + "x"},
		"a proxy's claim": {"X-Remote-User: admin", "X-Remote-Group: system:masters"},
	}
	for name, headers := range credentials {
		for _, path := range paths {
			reply := client.do(http.MethodGet, path, nil, headers...)
			var status metav1.Status
			reply.want(http.StatusUnauthorized, &status)
			if status.Reason != metav1.StatusReasonUnauthorized {
				t.Errorf("%s with %s: %s", path, name, reply.body)
			}
		}
	}
	client.do(http.MethodPost, sessionsPath, newSession("a")).want(http.StatusUnauthorized)
	client.do(http.MethodGet, sessionsPath+"?access_token="+server.Access().Token, nil).want(http.StatusUnauthorized)
	client.do(http.MethodGet, "/readyz", nil, "Authorization: Bearer wrong").want(http.StatusUnauthorized)
}

func TestImpersonatedUsersHaveNoRights(t *testing.T) {
	t.Parallel()
	client := newRawClient(t, testserver.Start(t))
	client.do(http.MethodGet, sessionsPath, nil, "Impersonate-User: somebody").want(http.StatusForbidden)
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	client := server.HTTPClient(t)
	transport := client.Transport.(*http.Transport)

	// The bundle of the kubeconfig verifies by address and by name.
	for _, name := range []string{"127.0.0.1", "localhost", "::1"} {
		transport.TLSClientConfig.ServerName = name
		response, err := client.Get(server.Access().URL + "/livez")
		if err != nil {
			t.Errorf("as %s: %v", name, err)
			continue
		}
		_ = response.Body.Close()
		transport.CloseIdleConnections()
	}
	transport.TLSClientConfig.ServerName = "example.com"
	if response, err := client.Get(server.Access().URL + "/livez"); err == nil {
		_ = response.Body.Close()
		t.Error("the certificate is good for any name")
	}
	transport.CloseIdleConnections()
	transport.TLSClientConfig = &tls.Config{RootCAs: transport.TLSClientConfig.RootCAs, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if response, err := client.Get(server.Access().URL + "/livez"); err == nil {
		_ = response.Body.Close()
		t.Error("TLS 1.1 is accepted")
	}
}

func TestLoopbackClientNeedsNoUserToken(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	config := server.LoopbackClientConfig()
	if config.BearerToken == server.Access().Token || config.BearerToken == "" {
		t.Error("the loopback client has the token of users")
	}
	newRawClientWithToken := newRawClient(t, server)
	newRawClientWithToken.token = config.BearerToken
	newRawClientWithToken.do(http.MethodGet, sessionsPath, nil).want(http.StatusOK)
}
