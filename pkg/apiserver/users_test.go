// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tilt.dev/session/pkg/apiserver"
	testserver "tilt.dev/session/pkg/testing/server"
)

// identity has the credentials of a client.
type identity struct {
	certificate *tls.Certificate
	token       string
	headers     []string
}

// as returns a client with an identity and with connections of its own.
func as(t testing.TB, server *testserver.Server, id identity) *rawClient {
	client := newRawClient(t, server)
	client.token = id.token
	if id.certificate != nil {
		client.client.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{*id.certificate}
	}
	return client
}

// reaches returns a condition for eventually: a request with a certificate is answered with
// a code. After an unexpected 401 it connects again, because the server may not have
// requested the certificate on the first connection.
func reaches(t testing.TB, server *testserver.Server, certificate tls.Certificate, headers ...string) func(code int) func() bool {
	client := as(t, server, identity{certificate: &certificate})
	return func(code int) func() bool {
		return func() bool {
			got := client.do(http.MethodGet, sessionsPath, nil, headers...).code
			if got == http.StatusUnauthorized && got != code {
				client.client.CloseIdleConnections()
			}
			return got == code
		}
	}
}

// right is a request that a user may be allowed to make.
type right struct{ method, path, body string }

var (
	readSessions = right{http.MethodGet, sessionsPath, ""}
	readSession  = right{http.MethodGet, sessionsPath + "/a/status", ""}
	create       = right{http.MethodPost, sessionsPath + "?dryRun=All", `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"b"},"spec":{"tiltfilePath":"/t","exitCondition":"ci"}}`}
	patchStatus  = right{http.MethodPatch, sessionsPath + "/a/status?dryRun=All", `{"status":{"pid":1}}`}
	remove       = right{http.MethodDelete, sessionsPath + "/a?dryRun=All", ""}
	documents    = right{http.MethodGet, "/openapi/v3", ""}
	metrics      = right{http.MethodGet, "/metrics", ""}
	profile      = right{http.MethodGet, "/debug/pprof/", ""}
	health       = right{http.MethodGet, "/readyz", ""}

	reading = []right{readSessions, readSession, documents, metrics, health}
	all     = append([]right{create, patchStatus, remove, profile}, reading...)
)

// checkRights makes all requests as a user. It fails the test unless exactly the allowed
// ones succeed, and the others have the code and the reason.
func checkRights(t *testing.T, server *testserver.Server, id identity, allowed []right, code int, reason string) {
	t.Helper()
	client := as(t, server, id)
	for _, r := range all {
		headers := id.headers
		if r.method == http.MethodPatch {
			headers = append(slices.Clone(headers), mergePatch)
		}
		var body any
		if r.body != "" {
			body = r.body
		}
		reply := client.do(r.method, r.path, body, headers...)
		if slices.Contains(allowed, r) {
			if reply.code >= 300 {
				t.Errorf("%s %s is refused with %d: %s", r.method, r.path, reply.code, reply.body)
			}
		} else if reply.code != code || !strings.Contains(string(reply.body), reason) {
			t.Errorf("%s %s is answered with %d, want %d %q: %s", r.method, r.path, reply.code, code, reason, reply.body)
		}
	}
}

func expired(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
func forServers(c *x509.Certificate) {
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
}

func TestUsersAndTheirRights(t *testing.T) {
	t.Parallel()
	users, stranger := newAuthority(t, "users"), newAuthority(t, "users")
	directory := t.TempDir()
	tokens := `master-token,mary,1,"system:masters,other"
viewer-token,vera,2,tilt:viewers
other-token,otto,3,other
bare-token,bob,4
`
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) {
		o.Authentication.ClientCert.ClientCA = writeBundle(t, filepath.Join(directory, "ca.crt"), users)
		o.Authentication.TokenFile = replaceFile(t, filepath.Join(directory, "tokens.csv"), []byte(tokens))
		o.Profiling = true
	}})
	newRawClient(t, server).do(http.MethodPost, sessionsPath, newSession("a")).want(http.StatusCreated)
	certificate := func(a *authority, name string, groups ...string) identity {
		pair := a.client(name, groups)
		return identity{certificate: &pair}
	}
	masters, late, serving := users.client("max", []string{"system:masters"}), users.client("eve", []string{"system:masters"}, expired), users.client("sam", []string{"system:masters"}, forServers)
	for name, test := range map[string]struct {
		identity
		allowed []right
		code    int
		reason  string
	}{
		"owner":                       {identity{token: server.Access().Token}, all, 0, ""},
		"an anonymous user":           {identity{}, []right{health}, http.StatusUnauthorized, "Unauthorized"},
		"wrong token":                 {identity{token: "wrong"}, nil, http.StatusUnauthorized, "Unauthorized"},
		"a proxy's claim":             {identity{headers: []string{"X-Remote-User: admin", "X-Remote-Group: system:masters"}}, []right{health}, http.StatusUnauthorized, "Unauthorized"},
		"token of a master":           {identity{token: "master-token"}, all, 0, ""},
		"token of a viewer":           {identity{token: "viewer-token"}, reading, http.StatusForbidden, "tilt:viewers may only read"},
		"token of another group":      {identity{token: "other-token"}, []right{health}, http.StatusForbidden, "only the groups system:masters and tilt:viewers"},
		"token of no group":           {identity{token: "bare-token"}, []right{health}, http.StatusForbidden, `\"bob\"`},
		"certificate of a master":     {identity{certificate: &masters}, all, 0, ""},
		"certificate of a viewer":     {certificate(users, "victor", "tilt:viewers"), reading, http.StatusForbidden, `\"victor\"`},
		"certificate of no group":     {certificate(users, "carl"), []right{health}, http.StatusForbidden, `\"carl\"`},
		"certificate of a stranger":   {certificate(stranger, "max", "system:masters"), []right{health}, http.StatusUnauthorized, "Unauthorized"},
		"certificate that's expired":  {identity{certificate: &late}, []right{health}, http.StatusUnauthorized, "Unauthorized"},
		"certificate of a server":     {identity{certificate: &serving}, []right{health}, http.StatusUnauthorized, "Unauthorized"},
		"token before a certificate":  {identity{certificate: &masters, token: "viewer-token"}, reading, http.StatusForbidden, "tilt:viewers may only read"},
		"certificate, wrong token":    {identity{certificate: &masters, token: "wrong"}, all, 0, ""},
		"no certificate, but a token": {identity{certificate: certificate(stranger, "max").certificate, token: "master-token"}, all, 0, ""},
		"an impersonating viewer":     {identity{token: "viewer-token", headers: []string{"Impersonate-User: tilt-session", "Impersonate-Group: system:masters"}}, nil, http.StatusForbidden, "impersonate"},
		"an impersonating master":     {identity{token: "master-token", headers: []string{"Impersonate-User: vera", "Impersonate-Group: tilt:viewers"}}, reading, http.StatusForbidden, `\"vera\"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkRights(t, server, test.identity, test.allowed, test.code, test.reason)
		})
	}
}
