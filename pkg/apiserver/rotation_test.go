// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"crypto/tls"
	"net/http"
	"path/filepath"
	"testing"

	"tilt.dev/session/pkg/apiserver"
	testserver "tilt.dev/session/pkg/testing/server"
)

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
	// The server ignores unusable content, and loads the next usable one.
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
	byOld, byYoung := reaches(t, server, old), reaches(t, server, young)
	tr := startTraffic(t, server, &tls.Config{RootCAs: ownRoots(t, server), Certificates: []tls.Certificate{old}})
	tr.goesOn(t)
	if !byYoung(http.StatusUnauthorized)() {
		t.Error("the new authority is trusted before it is published")
	}
	writeBundle(t, path, before, after)
	eventually(t, "both authorities are trusted", byYoung(http.StatusOK))
	tr.check(t)
	// From here on the server accepts only the new authority, also on open connections.
	tr = startTraffic(t, server, &tls.Config{RootCAs: ownRoots(t, server), Certificates: []tls.Certificate{young}})
	tr.goesOn(t)
	writeBundle(t, path, after)
	eventually(t, "the old authority is no longer trusted", byOld(http.StatusUnauthorized))
	tr.check(t)
}

func TestProxyAuthoritiesAreReloaded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "proxies.crt")
	before, after := newAuthority(t, "proxies"), newAuthority(t, "proxies")
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) {
		o.Authentication.RequestHeader.ClientCAFile = writeBundle(t, path, before)
	}})
	rotateProxies(t, server, before, after, func(authorities ...*authority) { writeBundle(t, path, authorities...) })
}

// rotateProxies replaces the authority of front proxies while proxies send requests: by
// both authorities, then by the new one.
func rotateProxies(t *testing.T, server *testserver.Server, before, after *authority, publish func(...*authority)) {
	t.Helper()
	root := claim("root", "system:masters")
	old, young := before.client("front-proxy", nil), after.client("front-proxy", nil)
	byOld, byYoung := reaches(t, server, old, root...), reaches(t, server, young, root...)
	eventually(t, "the first authority is trusted", byOld(http.StatusOK))
	tr := startTraffic(t, server, &tls.Config{RootCAs: ownRoots(t, server), Certificates: []tls.Certificate{old}}, root...)
	tr.goesOn(t)
	if !byYoung(http.StatusUnauthorized)() {
		t.Error("the new authority is trusted before it is published")
	}
	publish(before, after)
	eventually(t, "both authorities are trusted", byYoung(http.StatusOK))
	tr.check(t)
	tr = startTraffic(t, server, &tls.Config{RootCAs: ownRoots(t, server), Certificates: []tls.Certificate{young}}, root...)
	tr.goesOn(t)
	publish(after)
	eventually(t, "the old authority is no longer trusted", byOld(http.StatusUnauthorized))
	tr.check(t)
}
