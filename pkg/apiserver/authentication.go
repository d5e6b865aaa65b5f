// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/anonymous"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/token/tokenfile"
	tokenunion "k8s.io/apiserver/pkg/authentication/token/union"
	"k8s.io/apiserver/pkg/authentication/user"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/util/cert"
)

// ownerName is the user name of the server's owner.
const ownerName = "tilt-session"

// healthPaths, and the paths below them, are open to everybody.
var healthPaths = []string{"/healthz", "/livez", "/readyz"}

// AuthenticationOptions configure how users authenticate, besides the owner's token.
// Their ApplyTo isn't used because it lets anonymous users in.
type AuthenticationOptions struct {
	genericoptions.DelegatingAuthenticationOptions
	// TokenFile is a CSV file of users in the format of kube-apiserver. The server reads it once.
	TokenFile string
}

// AddFlags adds a flag for each option.
func (o *AuthenticationOptions) AddFlags(fs *pflag.FlagSet) {
	o.DelegatingAuthenticationOptions.AddFlags(fs)
	for flag, usage := range map[string]string{
		"authentication-kubeconfig": "kubeconfig of the core API server to send TokenReviews to, and to look up " +
			"the client and front-proxy authorities that no flag sets",
		"authentication-skip-lookup": "do not look up authorities in the core API server",
		"authentication-tolerate-lookup-failure": "start even if the authorities can't be looked up; " +
			"their users can't authenticate until they have been",
	} {
		fs.Lookup(flag).Usage = usage
	}
	fs.StringVar(&o.TokenFile, "token-auth-file", o.TokenFile,
		`CSV file with a line token,user,uid,"group1,group2" for each user, read once; `+
			"members of system:masters may do everything, members of "+ViewersGroup+" may read Sessions")
}

// Validate returns all errors in the options and in the files.
func (o *AuthenticationOptions) Validate() []error {
	errs := o.DelegatingAuthenticationOptions.Validate()
	for flag, path := range map[string]string{
		"--client-ca-file":               o.ClientCert.ClientCA,
		"--requestheader-client-ca-file": o.RequestHeader.ClientCAFile,
	} {
		if path == "" {
			continue
		}
		if _, err := cert.CertsFromFile(path); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", flag, err))
		}
	}
	if o.TokenFile != "" {
		_, err := o.loadTokens()
		errs = append(errs, err)
	}
	if o.RequestHeader.ClientCAFile != "" && len(o.RequestHeader.UsernameHeaders) == 0 {
		errs = append(errs, errors.New("--requestheader-client-ca-file requires --requestheader-username-headers"))
	}
	_, err := coreConfig("--authentication-kubeconfig", o.RemoteKubeConfigFile, false)
	return append(errs, err, notNegative("--authentication-token-webhook-cache-ttl", o.CacheTTL))
}

func (o *AuthenticationOptions) loadTokens() (*tokenfile.TokenAuthenticator, error) {
	tokens, err := tokenfile.NewCSV(o.TokenFile)
	if err != nil {
		return nil, fmt.Errorf("--token-auth-file %s: %w", o.TokenFile, err)
	}
	return tokens, nil
}

// authenticate configures the authenticators, in this order: logins of the page, the server's own tokens, the tokens of
// the file, and what is delegated. It refuses anonymous requests, except for the server's health.
func (c *Config) authenticate(ownerToken, loopbackToken string) error {
	tokens := []authenticator.Token{ownTokens{
		sha256.Sum256([]byte(ownerToken)):    ownerName,
		sha256.Sum256([]byte(loopbackToken)): user.APIServerUser,
	}}
	if c.options.Authentication.TokenFile != "" {
		file, err := c.options.Authentication.loadTokens()
		if err != nil {
			return err
		}
		tokens = append(tokens, file)
	}
	known := []authenticator.Request{
		authenticator.RequestFunc(authenticatePage), // never followed by another for a request of the page
		withoutErrors(bearertoken.New(tokenunion.New(tokens...))),
	}
	delegated, err := c.delegateAuthentication()
	if err != nil {
		return err
	}
	if delegated != nil {
		known = append(known, delegated)
	}
	c.generic.Authentication.Authenticator = withAnonymousHealth(group.NewAuthenticatedGroupAdder(union.New(known...)))
	return nil
}

// withoutErrors drops the errors of an authenticator. Those of bearertoken say that a
// token is unknown, which the server would log for each request.
func withoutErrors(known authenticator.Request) authenticator.Request {
	return authenticator.RequestFunc(func(request *http.Request) (*authenticator.Response, bool, error) {
		response, ok, _ := known.AuthenticateRequest(request)
		return response, ok, nil
	})
}

// withAnonymousHealth authenticates requests for the server's health that have no token and no known certificate as
// anonymous. Upstream's conditions of anonymous requests don't include the paths below a path.
func withAnonymousHealth(known authenticator.Request) authenticator.Request {
	everybody := anonymous.NewAuthenticator(nil)
	return authenticator.RequestFunc(func(request *http.Request) (*authenticator.Response, bool, error) {
		response, ok, err := known.AuthenticateRequest(request)
		if ok || request.Header.Get("Authorization") != "" || !isHealthPath(request.URL.Path) {
			return response, ok, err
		}
		return everybody.AuthenticateRequest(request)
	})
}

// isHealthPath returns false for paths that aren't clean, which may lead elsewhere.
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

// newToken returns at least 256 random bits in characters that are valid in a header.
func newToken() string { return rand.Text() + rand.Text() }

// ownTokens has the users of the tokens that the server has issued itself, by the hashes of the tokens: how long a
// look-up takes depends on hashes alone.
type ownTokens map[[sha256.Size]byte]string

var _ authenticator.Token = ownTokens(nil)

// AuthenticateToken implements authenticator.Token.
func (ts ownTokens) AuthenticateToken(_ context.Context, token string) (*authenticator.Response, bool, error) {
	name, ok := ts[sha256.Sum256([]byte(token))]
	if !ok {
		return nil, false, nil
	}
	owner := &user.DefaultInfo{Name: name, Groups: []string{user.SystemPrivilegedGroup}}
	return &authenticator.Response{User: owner}, true, nil
}
