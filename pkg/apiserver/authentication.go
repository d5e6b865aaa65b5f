// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"net/http"
	"path"
	"strings"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/request/x509"
	tokenunion "k8s.io/apiserver/pkg/authentication/token/union"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
)

// healthPaths are open to everybody, with what is below them.
var healthPaths = []string{"/healthz", "/livez", "/readyz"}

// authenticate sets up who is known: by a client certificate, or by a bearer
// token of the server's own or of a file. Who shows nothing is anonymous when
// asking for the server's health. Other requests are refused as 401.
func (c *Config) authenticate(userToken, loopbackToken string) error {
	options := &c.options.Authentication
	var requests []authenticator.Request
	if options.ClientCert.ClientCA != "" {
		authorities, err := options.ClientCert.GetClientCAContentProvider()
		if err != nil {
			return fmt.Errorf("--client-ca-file: %w", err)
		}
		if err := c.asksForCertificates(authorities); err != nil {
			return err
		}
		requests = append(requests, x509.NewDynamic(authorities.VerifyOptions, x509.CommonNameUserConversion))
	}
	tokens := []authenticator.Token{ownTokens{
		newTokenHolder(userToken, userName),
		newTokenHolder(loopbackToken, user.APIServerUser),
	}}
	if options.TokenFile != "" {
		file, err := options.loadTokens()
		if err != nil {
			return err
		}
		tokens = append(tokens, file)
	}
	requests = append(requests, bearer(tokenunion.New(tokens...)))
	c.generic.Authentication.Authenticator = withAnonymousHealth(group.NewAuthenticatedGroupAdder(union.New(requests...)))
	return nil
}

// asksForCertificates has clients asked for a certificate of some authorities. They
// may have none.
func (c *Config) asksForCertificates(authorities dynamiccertificates.CAContentProvider) error {
	if controller, ok := authorities.(dynamiccertificates.ControllerRunner); ok {
		c.owns(controller)
	}
	return c.generic.Authentication.ApplyClientCert(authorities, c.generic.SecureServing)
}

// withAnonymousHealth lets in who isn't known for nothing but the server's health.
func withAnonymousHealth(known authenticator.Request) authenticator.Request {
	return authenticator.RequestFunc(func(request *http.Request) (*authenticator.Response, bool, error) {
		response, ok, err := known.AuthenticateRequest(request)
		if ok || request.Header.Get("Authorization") != "" || !isHealthPath(request.URL.Path) {
			return response, ok, err
		}
		return &authenticator.Response{User: &user.DefaultInfo{
			Name:   user.Anonymous,
			Groups: []string{user.AllUnauthenticated},
		}}, true, nil
	})
}

// isHealthPath doesn't know paths that lead somewhere else when they're cleaned.
func isHealthPath(requested string) bool {
	if requested != path.Clean(requested) {
		return false
	}
	for _, p := range healthPaths {
		if requested == p || strings.HasPrefix(requested, p+"/") {
			return true
		}
	}
	return false
}
