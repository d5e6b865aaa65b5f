// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"net/http"
	"strings"
	"testing"

	"tilt.dev/session/pkg/apiserver"
	testserver "tilt.dev/session/pkg/testing/server"
)

// publication returns the data in which a kube-apiserver publishes its authorities.
func publication(users *authority, proxies ...*authority) map[string]string {
	var bundle strings.Builder
	for _, proxy := range proxies {
		bundle.Write(proxy.pem())
	}
	return map[string]string{
		"client-ca-file":                     string(users.pem()),
		"requestheader-client-ca-file":       bundle.String(),
		"requestheader-allowed-names":        `["front-proxy"]`,
		"requestheader-username-headers":     `["X-Remote-User"]`,
		"requestheader-group-headers":        `["X-Remote-Group"]`,
		"requestheader-extra-headers-prefix": `["X-Remote-Extra-"]`,
	}
}

func TestAuthoritiesAreLookedUp(t *testing.T) {
	t.Parallel()
	core := newCoreAPI(t)
	users, before, after := newAuthority(t, "users"), newAuthority(t, "proxies"), newAuthority(t, "proxies")
	core.publish(publication(users, before))
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) { o.Authentication.RemoteKubeConfigFile = core.kubeconfig() }})
	owner := newRawClient(t, server)
	eventually(t, "it gets ready", func() bool { return owner.do(http.MethodGet, "/readyz", nil).code == http.StatusOK })
	if body := string(owner.do(http.MethodGet, "/readyz?verbose", nil).body); !strings.Contains(body, "[+]front-proxy-lookup ok") {
		t.Errorf("readiness doesn't wait for the lookup: %s", body)
	}
	master, stranger := users.client("max", []string{"system:masters"}), before.client("back-proxy", nil)
	eventually(t, "users are known by their certificates", reaches(t, server, master)(http.StatusOK))
	as(t, server, identity{certificate: &stranger}).do(http.MethodGet, sessionsPath, nil, claim("root", "system:masters")...).want(http.StatusUnauthorized)
	rotateProxies(t, server, before, after, func(authorities ...*authority) { core.publish(publication(users, authorities...)) })
}

func TestFailedLookup(t *testing.T) {
	t.Parallel()
	core := newCoreAPI(t)
	options := newOptions(t)
	options.Authentication.RemoteKubeConfigFile = core.kubeconfig()
	config, err := options.Config()
	if err == nil {
		t.Fatalf("the server starts without the lookup (closing: %v)", config.Close())
	}
	for _, want := range []string{"kube-system/extension-apiserver-authentication", "not found", "--authentication-tolerate-lookup-failure"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q isn't in %v", want, err)
		}
	}

	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) {
		o.Authentication.RemoteKubeConfigFile, o.Authentication.TolerateInClusterLookupFailure = core.kubeconfig(), true
	}})
	newRawClient(t, server).do(http.MethodGet, "/readyz", nil).want(http.StatusOK)
	users, proxies := newAuthority(t, "users"), newAuthority(t, "proxies")
	certificate := proxies.client("front-proxy", nil)
	byProxy := reaches(t, server, certificate, claim("root", "system:masters")...)
	if !byProxy(http.StatusUnauthorized)() {
		t.Error("a proxy is trusted before its authority is published")
	}
	core.publish(publication(users, proxies))
	eventually(t, "the lookup succeeds later", byProxy(http.StatusOK))
}
