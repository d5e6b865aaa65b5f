// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"

	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/authentication/token/tokenfile"
	genericoptions "k8s.io/apiserver/pkg/server/options"
)

// AuthenticationOptions say by what the server knows users, beside the token that
// it makes for its owner. The zero value stands for nothing else.
type AuthenticationOptions struct {
	// ClientCert has the authorities of client certificates, whose common name is
	// the user and whose organizations are the groups. The file is read again when
	// it changes.
	ClientCert genericoptions.ClientCertAuthenticationOptions
	// TokenFile is the path of a CSV file as kube-apiserver has it, with a line of
	// token, user, uid and, optionally, a quoted list of groups for each user. It's
	// read once.
	TokenFile string
}

// AddFlags adds the flags, with what is set as their defaults.
func (o *AuthenticationOptions) AddFlags(fs *pflag.FlagSet) {
	o.ClientCert.AddFlags(fs)
	fs.StringVar(&o.TokenFile, "token-auth-file", o.TokenFile,
		`CSV file with a line of token,user,uid,"group1,group2" for each user, read only at the start`)
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
	return nonNil(errs...)
}

func (o *AuthenticationOptions) loadTokens() (*tokenfile.TokenAuthenticator, error) {
	tokens, err := tokenfile.NewCSV(o.TokenFile)
	if err != nil {
		return nil, fmt.Errorf("--token-auth-file %s: %w", o.TokenFile, err)
	}
	return tokens, nil
}
