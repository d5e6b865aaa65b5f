// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/request/anonymous"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	genericfilters "k8s.io/apiserver/pkg/endpoints/filters"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/filters"
	"k8s.io/client-go/rest"

	testserver "tilt.dev/session/pkg/testing/server"
)

// The tests TestUpstream... fail once upstream doesn't need a workaround in this package any more.

// TestUpstreamHandlers sends requests to a server without the workarounds of withAccept and withForms.
func TestUpstreamHandlers(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	handler := server.UpstreamHandler()
	const body = `{"apiVersion": "tilt.dev/v1alpha1", "kind": "Session", "metadata": {"name": "s"},
		"spec": {"tiltfilePath": "/t", "exitCondition": "ci", "ci": {"timeout": "90s"}}}`
	for _, test := range []struct {
		method, manager, header, body string
		// code and text are in the wrong response.
		code int
		text string
	}{
		{http.MethodPatch, "a", applyPatch, body, http.StatusCreated, `"1m30s"`},
		{http.MethodPatch, "b", applyPatch, body, http.StatusConflict, ".spec.ci.timeout"},
		{http.MethodPatch, "a", applyPatch, strings.Replace(body, "90s", "x", 1),
			http.StatusBadRequest, "invalid duration"},
		{http.MethodPatch, "a", "Content-Type: application/strategic-merge-patch+json",
			`{"spec":{"ttlSecondsAfterFinished":4294967297}}`, http.StatusOK, `"ttlSecondsAfterFinished":1`},
		{http.MethodGet, "a", "Accept: application/vnd.kubernetes.protobuf,application/json", "",
			http.StatusNotAcceptable, ""},
		{http.MethodGet, "a", "Accept: application/*", "", http.StatusNotAcceptable, ""},
	} {
		r := httptest.NewRequest(test.method, sessionsPath+"/s?fieldManager="+test.manager, strings.NewReader(test.body))
		name, value, _ := strings.Cut(test.header, ": ")
		r.Header.Set(name, value)
		r.Header.Set("Authorization", "Bearer "+server.Access().Token)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != test.code || !strings.Contains(w.Body.String(), test.text) {
			t.Errorf("%s with %s: code %d, want %d and %q: %s", test.method, test.header, w.Code, test.code, test.text, w.Body)
		}
	}
}

// TestUpstreamGoaway covers Config.handlers: the filter ignores HTTP/1.1.
func TestUpstreamGoaway(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	filters.WithProbabilisticGoaway(http.NotFoundHandler(), 1).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Header().Get("Connection") != "" {
		t.Error("the filter doesn't ignore HTTP/1.1")
	}
}

// TestUpstreamLoopbackToken covers CompletedConfig: the server adds an authenticator for the token.
func TestUpstreamLoopbackToken(t *testing.T) {
	t.Parallel()
	none := authenticator.RequestFunc(func(*http.Request) (*authenticator.Response, bool, error) {
		return nil, false, nil
	})
	authentication := genericapiserver.AuthenticationInfo{Authenticator: none}
	genericapiserver.AuthorizeClientBearerToken(&rest.Config{BearerToken: "a"}, &authentication,
		&genericapiserver.AuthorizationInfo{Authorizer: authorizerfactory.NewAlwaysDenyAuthorizer()})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer a")
	if _, ok, err := authentication.Authenticator.AuthenticateRequest(r); !ok || err != nil {
		t.Errorf("the token isn't accepted: %v", err)
	}
}

// TestUpstreamAnonymousHTTP2 covers acceptClientCertificates: the server closes the connection of an anonymous user.
func TestUpstreamAnonymousHTTP2(t *testing.T) {
	t.Parallel()
	handler := genericfilters.WithAuthentication(
		http.NotFoundHandler(), anonymous.NewAuthenticator(nil), http.NotFoundHandler(), nil, nil)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.ProtoMajor = 2
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Header().Get("Connection") != "close" {
		t.Error("the server keeps the connection")
	}
}
