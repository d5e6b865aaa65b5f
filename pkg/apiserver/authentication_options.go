// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/authentication/token/tokenfile"
	genericoptions "k8s.io/apiserver/pkg/server/options"
)

// AuthenticationOptions say by what the server knows users, beside the token that
// it makes for its owner. newAuthenticationOptions has the defaults, which stand for
// nothing else.
type AuthenticationOptions struct {
	// ClientCert has the authorities of client certificates, whose common name is
	// the user and whose organizations are the groups. The file is read again when
	// it changes.
	ClientCert genericoptions.ClientCertAuthenticationOptions
	// TokenFile is the path of a CSV file as kube-apiserver has it, with a line of
	// token, user, uid and, optionally, a quoted list of groups for each user. It's
	// read once.
	TokenFile string
	// RequestHeader has the authorities of the certificates of front proxies, such as
	// a kube-apiserver, and the headers in which those say who a user is. Without
	// such a certificate the headers are ignored. The file is read again when it
	// changes.
	RequestHeader genericoptions.RequestHeaderAuthenticationOptions
	// Kubeconfig is the path of a file by which a core API server is reached that
	// knows bearer tokens, by its TokenReviews. What ClientCert and RequestHeader
	// don't say is looked up there as well, and followed.
	Kubeconfig string
	// CacheTTL is how long an answer about a token is good for.
	CacheTTL time.Duration
	// SkipLookup leaves out the lookup.
	SkipLookup bool
	// TolerateLookupFailure has the server start when the lookup fails. It's made
	// up for as soon as it can be.
	TolerateLookupFailure bool
}

func newAuthenticationOptions() AuthenticationOptions {
	defaults := genericoptions.NewDelegatingAuthenticationOptions()
	return AuthenticationOptions{RequestHeader: defaults.RequestHeader, CacheTTL: defaults.CacheTTL}
}

// AddFlags adds the flags, with what is set as their defaults.
func (o *AuthenticationOptions) AddFlags(fs *pflag.FlagSet) {
	o.ClientCert.AddFlags(fs)
	fs.StringVar(&o.TokenFile, "token-auth-file", o.TokenFile,
		`CSV file with a line of token,user,uid,"group1,group2" for each user, read only at the start; members of system:masters may do everything, of `+ViewersGroup+` read Sessions`)
	o.RequestHeader.AddFlags(fs)
	fs.StringVar(&o.Kubeconfig, "authentication-kubeconfig", o.Kubeconfig,
		"kubeconfig of a core API server to ask about tokens (TokenReview) and for client and front-proxy authorities that no flag names")
	fs.DurationVar(&o.CacheTTL, "authentication-token-webhook-cache-ttl", o.CacheTTL, "how long an answer about a token is good for")
	fs.BoolVar(&o.SkipLookup, "authentication-skip-lookup", o.SkipLookup,
		"look up no authorities at the core API server")
	fs.BoolVar(&o.TolerateLookupFailure, "authentication-tolerate-lookup-failure", o.TolerateLookupFailure,
		"start when the authorities can't be looked up; until they can, nobody is known by them")
}

// Validate returns everything that's wrong with the options, and with the files.
func (o *AuthenticationOptions) Validate() []error {
	var errs []error
	if o.ClientCert.ClientCA != "" {
		errs = append(errs, checkAuthorities("--client-ca-file", o.ClientCert.ClientCA))
	}
	if o.TokenFile != "" {
		_, err := o.loadTokens()
		errs = append(errs, err)
	}
	if o.RequestHeader.ClientCAFile != "" {
		errs = append(errs, checkAuthorities("--requestheader-client-ca-file", o.RequestHeader.ClientCAFile))
		if len(o.RequestHeader.UsernameHeaders) == 0 {
			errs = append(errs, fmt.Errorf("--requestheader-username-headers: at least one is needed with --requestheader-client-ca-file"))
		}
	}
	errs = append(errs, o.RequestHeader.Validate()...)
	_, err := coreConfig("--authentication-kubeconfig", o.Kubeconfig, false)
	errs = append(errs, err)
	if o.CacheTTL < 0 {
		errs = append(errs, fmt.Errorf("--authentication-token-webhook-cache-ttl: %v must not be negative", o.CacheTTL))
	}
	return nonNil(errs...)
}

func (o *AuthenticationOptions) loadTokens() (*tokenfile.TokenAuthenticator, error) {
	tokens, err := tokenfile.NewCSV(o.TokenFile)
	if err != nil {
		return nil, fmt.Errorf("--token-auth-file %s: %w", o.TokenFile, err)
	}
	return tokens, nil
}
