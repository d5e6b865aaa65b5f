// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"

	"tilt.dev/session/pkg/apiserver"
	testserver "tilt.dev/session/pkg/testing/server"
)

// claim returns the headers in which a front proxy describes a user.
func claim(name string, groups ...string) []string {
	headers := []string{"X-Remote-User: " + name, "X-Remote-Uid: uid-" + name, "X-Remote-Extra-Scopes: some"}
	for _, group := range groups {
		headers = append(headers, "X-Remote-Group: "+group)
	}
	return headers
}

func TestUsersOfACluster(t *testing.T) {
	t.Parallel()
	core := newCoreAPI(t)
	users, proxies, stranger := newAuthority(t, "users"), newAuthority(t, "proxies"), newAuthority(t, "proxies")
	directory := t.TempDir()
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) {
		o.Profiling = true
		o.Authentication.ClientCert.ClientCA = writeBundle(t, filepath.Join(directory, "ca.crt"), users)
		o.Authentication.RequestHeader.ClientCAFile = writeBundle(t, filepath.Join(directory, "proxies.crt"), proxies)
		o.Authentication.RequestHeader.AllowedNames = []string{"front-proxy"}
		o.Authentication.RequestHeader.UIDHeaders = []string{"X-Remote-Uid"}
		o.Authentication.RemoteKubeConfigFile = core.kubeconfig()
		o.Authorization.RemoteKubeConfigFile = core.kubeconfig()
		o.Authorization.AlwaysAllowPaths = []string{"/openapi/*"}
	}})
	newRawClient(t, server).do(http.MethodPost, sessionsPath, newSession("a")).want(http.StatusCreated)
	certificate := func(a *authority, name string, headers []string, groups ...string) identity {
		pair := a.client(name, groups)
		return identity{certificate: &pair, headers: headers}
	}
	masters := claim("root", "system:masters")
	reads := []right{readSessions, readSession, health, documents}
	known, nothing := []right{health, documents}, []right{health}
	const unknown = http.StatusUnauthorized
	for name, test := range map[string]struct {
		identity
		allowed []right
		code    int
	}{
		"proxy, of a viewer":             {certificate(proxies, "front-proxy", claim("vera", "viewers")), reads, http.StatusForbidden},
		"proxy, of an admin":             {certificate(proxies, "front-proxy", claim("admin")), all, 0},
		"proxy, of a master":             {certificate(proxies, "front-proxy", masters), all, 0},
		"proxy, of another":              {certificate(proxies, "front-proxy", claim("otto", "tilt:viewers")), known, http.StatusForbidden},
		"proxy, of anonymous":            {certificate(proxies, "front-proxy", claim("system:anonymous", "system:unauthenticated")), known, http.StatusForbidden},
		"proxy without a user":           {certificate(proxies, "front-proxy", nil), nothing, unknown},
		"proxy of another name":          {certificate(proxies, "back-proxy", masters), nothing, unknown},
		"proxy of another authority":     {certificate(stranger, "front-proxy", masters), nothing, unknown},
		"headers, no certificate":        {identity{headers: masters}, nothing, unknown},
		"headers, certificate of a user": {certificate(users, "vera", masters), reads, http.StatusForbidden},
		"headers, token of a user":       {identity{token: "token-of-vera", headers: masters}, reads, http.StatusForbidden},
		"headers, user named as a proxy": {certificate(users, "front-proxy", masters), known, http.StatusForbidden},
		"certificate of an admin":        {certificate(users, "admin", nil), all, 0},
		"certificate of a viewer":        {certificate(users, "vera", nil), reads, http.StatusForbidden},
		"token of an admin":              {identity{token: "token-of-admin"}, all, 0},
		"token of a viewer":              {identity{token: "token-of-vera"}, reads, http.StatusForbidden},
		"unknown token":                  {identity{token: "wrong"}, nil, unknown},
		"owner":                          {identity{token: server.Access().Token, headers: claim("vera")}, all, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkRights(t, server, test.identity, test.allowed, test.code, "")
		})
	}
	t.Cleanup(func() {
		tokens, reviews := core.reviewed()
		if strings.Contains(tokens, server.Access().Token) {
			t.Error("the owner's token was sent to the core API server")
		}
		if !slices.ContainsFunc(reviews, fullClaim) {
			t.Errorf("no review contains all that the proxy claims about vera: %+v", reviews)
		}
	})
}

// fullClaim reports whether a review contains all that the proxy claims about vera.
func fullClaim(review authorizationv1.SubjectAccessReviewSpec) bool {
	return review.User == "vera" && review.UID == "uid-vera" && slices.Contains(review.Groups, "viewers") &&
		slices.Contains(review.Groups, "system:authenticated") && slices.Equal(review.Extra["scopes"], []string{"some"})
}

// A file is enough to trust front proxies, without a core API server.
func TestFrontProxyWithoutACluster(t *testing.T) {
	t.Parallel()
	proxies := newAuthority(t, "proxies")
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) {
		o.Authentication.RequestHeader.ClientCAFile = writeBundle(t, filepath.Join(t.TempDir(), "proxies.crt"), proxies)
		o.Profiling = true
	}})
	newRawClient(t, server).do(http.MethodPost, sessionsPath, newSession("a")).want(http.StatusCreated)
	proxy := proxies.client("any", nil)
	for _, test := range []struct {
		headers []string
		allowed []right
	}{
		{claim("root", "system:masters"), all},
		{claim("vera", "tilt:viewers"), reading},
		{claim("admin"), []right{health}},
	} {
		checkRights(t, server, identity{certificate: &proxy, headers: test.headers}, test.allowed, http.StatusForbidden, "")
	}
}

func TestCoreAPIServerOutOfOrder(t *testing.T) {
	t.Parallel()
	core := newCoreAPI(t)
	users := newAuthority(t, "users")
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) {
		o.Authentication.RemoteKubeConfigFile, o.Authorization.RemoteKubeConfigFile = core.kubeconfig(), core.kubeconfig()
		o.Authentication.SkipInClusterLookup = true
		o.Authentication.ClientCert.ClientCA = writeBundle(t, filepath.Join(t.TempDir(), "ca.crt"), users)
		o.Authentication.CacheTTL, o.Authorization.AllowCacheTTL = 0, 0
	}})
	admin := as(t, server, identity{token: "token-of-admin"})
	certificate := users.client("admin", nil)
	byCertificate := as(t, server, identity{certificate: &certificate})
	admin.do(http.MethodGet, sessionsPath, nil).want(http.StatusOK)
	byCertificate.do(http.MethodGet, sessionsPath, nil).want(http.StatusOK)
	core.broken.Store(true)
	admin.do(http.MethodGet, sessionsPath, nil).want(http.StatusUnauthorized)
	// The certificate identifies the user, but the rights need the core API server.
	byCertificate.do(http.MethodGet, sessionsPath, nil).want(http.StatusInternalServerError)
	newRawClient(t, server).do(http.MethodGet, sessionsPath, nil).want(http.StatusOK)
	as(t, server, identity{}).do(http.MethodGet, "/livez", nil).want(http.StatusOK)
	core.broken.Store(false)
	admin.do(http.MethodGet, sessionsPath, nil).want(http.StatusOK)
}

func TestPriorityAndFairness(t *testing.T) {
	t.Parallel()
	core := newCoreAPI(t)
	for name, test := range map[string]struct {
		change func(*apiserver.Options)
		shared bool
	}{
		"with a core API server": {func(o *apiserver.Options) { o.Authorization.RemoteKubeConfigFile = core.kubeconfig() }, true},
		"switched off": {func(o *apiserver.Options) {
			o.Authorization.RemoteKubeConfigFile, o.PriorityAndFairness = core.kubeconfig(), false
		}, false},
		"without": {func(*apiserver.Options) {}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testserver.Start(t, testserver.Configure{Options: test.change})
			client := newRawClient(t, server)
			eventually(t, "it gets ready", func() bool { return client.do(http.MethodGet, "/readyz", nil).code == http.StatusOK })
			reply := client.do(http.MethodGet, sessionsPath, nil).want(http.StatusOK)
			if level := reply.header.Values("X-Kubernetes-Pf-Prioritylevel-Uid"); (len(level) > 0) != test.shared {
				t.Errorf("the priority level is %q", level)
			}
			if body := string(client.do(http.MethodGet, "/readyz?verbose", nil).body); strings.Contains(body, "informer-sync") != test.shared {
				t.Errorf("readiness is %s", body)
			}
		})
	}
}
