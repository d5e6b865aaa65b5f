// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"net/http"
	"path"
	"strings"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/request/x509"
	tokencache "k8s.io/apiserver/pkg/authentication/token/cache"
	tokenunion "k8s.io/apiserver/pkg/authentication/token/union"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/webhook"
	"k8s.io/client-go/kubernetes"
)

// healthPaths are open to everybody, with what is below them.
var healthPaths = []string{"/healthz", "/livez", "/readyz"}

// authenticate sets up who is known: by the headers of a front proxy, by a client
// certificate, or by a bearer token, of the server's own, of a file or of a core API
// server. Who shows nothing is anonymous when asking for the server's health. Other
// requests are refused as 401.
func (c *Config) authenticate(userToken, loopbackToken string) error {
	options := &c.options.Authentication
	core, err := c.coreClient("--authentication-kubeconfig", options.Kubeconfig, 0)
	if err != nil {
		return err
	}
	if err := c.checkLookup(core); err != nil {
		return err
	}
	var known []authenticator.Request
	proxies, err := c.proxies(core)
	if err != nil {
		return err
	}
	if proxies != nil {
		byProxy, err := c.trustProxies(proxies)
		if err != nil {
			return err
		}
		known = append(known, byProxy)
	}
	authorities, err := c.clientAuthorities(core)
	if err != nil {
		return err
	}
	if authorities != nil {
		if err := c.asksForCertificates(authorities); err != nil {
			return err
		}
		known = append(known, x509.NewDynamic(authorities.VerifyOptions, x509.CommonNameUserConversion))
	}
	tokens, err := c.tokens(core, userToken, loopbackToken)
	if err != nil {
		return err
	}
	known = append(known, bearer(tokens))
	c.generic.Authentication.Authenticator = withAnonymousHealth(group.NewAuthenticatedGroupAdder(union.New(known...)))
	return nil
}

// tokens returns what knows bearer tokens. A core API server isn't told of tokens
// that are known without it.
func (c *Config) tokens(core kubernetes.Interface, userToken, loopbackToken string) (authenticator.Token, error) {
	options := &c.options.Authentication
	tokens := []authenticator.Token{ownTokens{
		newTokenHolder(userToken, userName),
		newTokenHolder(loopbackToken, user.APIServerUser),
	}}
	if options.TokenFile != "" {
		file, err := options.loadTokens()
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, file)
	}
	if core != nil {
		reviews, err := webhook.NewFromInterface(core.AuthenticationV1(), nil, *genericoptions.DefaultAuthWebhookRetryBackoff(), reviewTimeout,
			webhook.AuthenticatorMetrics{
				RecordRequestTotal:   authenticatorfactory.RecordRequestTotal,
				RecordRequestLatency: authenticatorfactory.RecordRequestLatency,
			})
		if err != nil {
			return nil, fmt.Errorf("asking the core API server about tokens: %w", err)
		}
		tokens = append(tokens, tokencache.New(reviews, false, options.CacheTTL, options.CacheTTL))
	}
	return tokenunion.New(tokens...), nil
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
