// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	cliflag "k8s.io/component-base/cli/flag"
)

// TLSOptions say what the server proves its identity with. The zero value stands
// for a certificate that the server makes itself, renews before it expires and
// doesn't keep when it ends, other than its authority in Options.IdentityDir. It's good for the address that the server is bound to
// and for the loopback addresses.
type TLSOptions struct {
	// CertFile and KeyFile are the paths of a certificate, with what it takes to
	// verify it behind it, and of its private key, both in PEM. They're read again
	// when they change; what can't be used then is logged, and the server stays with
	// what it has. The owner of the server isn't affected: see Access.
	CertFile, KeyFile string
	// Secret and Service are names as in NAMESPACE/NAME, of objects of the core API
	// server of AuthenticationOptions. Replicas share a certificate for the Service in
	// the Secret, which they make and renew, and publish what verifies it as caBundle of
	// the APIService. As with files the owner of the server isn't affected.
	Secret, Service string
	// MinVersion is the lowest version of TLS, such as VersionTLS13. If empty it's
	// 1.2, which is as low as it gets.
	MinVersion string
}

// AddFlags adds the flags, with what is set as their defaults.
func (o *TLSOptions) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.CertFile, "tls-cert-file", o.CertFile,
		"file with the certificate of the server and its intermediates in PEM, read again when it changes (default: the server makes its own)")
	fs.StringVar(&o.KeyFile, "tls-private-key-file", o.KeyFile, "file with the private key of --tls-cert-file in PEM")
	fs.StringVar(&o.Secret, "tls-secret", o.Secret,
		"NAMESPACE/NAME of a Secret of the core API server in which replicas share a certificate for --tls-service: they make and renew it, and publish its authority as caBundle of the APIService "+apiServiceName)
	fs.StringVar(&o.Service, "tls-service", o.Service, "NAMESPACE/NAME of the Service that the certificate of --tls-secret is for")
	fs.StringVar(&o.MinVersion, "tls-min-version", o.MinVersion,
		"lowest TLS version that is spoken: "+strings.Join(tlsVersions, " or ")+" (default "+tlsVersions[0]+")")
}

// tlsVersions can be chosen as the lowest. Those before are broken.
var tlsVersions = []string{"VersionTLS12", "VersionTLS13"}

// Validate returns everything that's wrong with the options, and with the files.
func (o *TLSOptions) Validate() []error {
	var errs []error
	if _, err := o.minVersion(); err != nil {
		errs = append(errs, err)
	}
	switch {
	case o.CertFile == "" && o.KeyFile != "":
		errs = append(errs, errors.New("--tls-private-key-file: a key is of no use without --tls-cert-file"))
	case o.CertFile != "" && o.KeyFile == "":
		errs = append(errs, errors.New("--tls-cert-file: a certificate is of no use without --tls-private-key-file"))
	case o.fromFiles():
		errs = append(errs, o.checkFiles()...)
	}
	return append(errs, o.checkSecret()...)
}

func (o *TLSOptions) fromFiles() bool { return o.CertFile != "" && o.KeyFile != "" }

func (o *TLSOptions) fromSecret() bool { return o.Secret != "" }

// separate tells whether others than the owner are shown a certificate that isn't of
// the server's own authority.
func (o *TLSOptions) separate() bool { return o.fromFiles() || o.fromSecret() }

func (o *TLSOptions) checkSecret() []error {
	switch {
	case o.Secret == "" && o.Service == "":
		return nil
	case o.Secret == "":
		return []error{errors.New("--tls-service: it's of no use without --tls-secret")}
	case o.Service == "":
		return []error{errors.New("--tls-secret: it takes --tls-service to say whom the certificate is for")}
	case o.CertFile != "":
		return []error{errors.New("--tls-secret: the certificate is that of --tls-cert-file already")}
	}
	_, secret := parseName("--tls-secret", o.Secret, validation.IsDNS1123Subdomain)
	_, service := parseName("--tls-service", o.Service, validation.IsDNS1123Label)
	return nonNil(secret, service)
}

// parseName reads the name of an object that a flag has.
func parseName(flag, value string, isName func(string) []string) (types.NamespacedName, error) {
	namespace, name, _ := strings.Cut(value, "/")
	if len(validation.IsDNS1123Label(namespace)) > 0 || len(isName(name)) > 0 {
		return types.NamespacedName{}, fmt.Errorf("%s: %q isn't NAMESPACE/NAME", flag, value)
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, nil
}

func (o *TLSOptions) checkFiles() []error {
	certificate, err := readFlagFile("--tls-cert-file", o.CertFile)
	key, keyErr := readFlagFile("--tls-private-key-file", o.KeyFile)
	if err != nil || keyErr != nil {
		return nonNil(err, keyErr)
	}
	if _, err := tls.X509KeyPair(certificate, key); err != nil {
		return []error{fmt.Errorf("--tls-cert-file %s and --tls-private-key-file %s: %w", o.CertFile, o.KeyFile, err)}
	}
	return nil
}

func (o *TLSOptions) minVersion() (uint16, error) {
	version, err := cliflag.TLSVersion(o.MinVersion)
	if err != nil || version < tls.VersionTLS12 {
		return 0, fmt.Errorf("--tls-min-version: %q is none of %s", o.MinVersion, strings.Join(tlsVersions, ", "))
	}
	return version, nil
}
