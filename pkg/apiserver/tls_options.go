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

// TLSOptions configure the serving certificate. With the zero value, the server issues
// a certificate for its address and for the loopback addresses, and renews it.
//
// The owner's connections always use a certificate of the server's own authority: see Access.
type TLSOptions struct {
	// CertFile and KeyFile are PEM files with a certificate chain and its private key.
	// The server reloads them when they change, and ignores contents that it can't use.
	CertFile, KeyFile string
	// Secret and Service name objects of the core API server as NAMESPACE/NAME.
	// Replicas share a certificate for Service in Secret: see certs.Shared.
	Secret, Service string
	// MinVersion is the lowest TLS version, such as VersionTLS13. If empty, it is 1.2, which is also the lowest value.
	MinVersion string
}

// AddFlags adds a flag for each option.
func (o *TLSOptions) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.CertFile, "tls-cert-file", o.CertFile,
		"PEM file with the serving certificate and its intermediates, reloaded when it changes "+
			"(default: a certificate that the server issues)")
	fs.StringVar(&o.KeyFile, "tls-private-key-file", o.KeyFile, "PEM file with the private key of --tls-cert-file")
	fs.StringVar(&o.Secret, "tls-secret", o.Secret,
		"NAMESPACE/NAME of a Secret in which replicas share and renew a certificate for --tls-service; "+
			"they publish its authority as caBundle of the APIService "+apiServiceName)
	fs.StringVar(&o.Service, "tls-service", o.Service,
		"NAMESPACE/NAME of the Service that the certificate of --tls-secret is for")
	fs.StringVar(&o.MinVersion, "tls-min-version", o.MinVersion,
		"minimum TLS version: "+strings.Join(tlsVersions, " or ")+" (default "+tlsVersions[0]+")")
}

// tlsVersions are the values of MinVersion. Lower versions are insecure.
var tlsVersions = []string{"VersionTLS12", "VersionTLS13"}

// Validate returns all errors in the options and in the files.
func (o *TLSOptions) Validate() []error {
	_, err := o.minVersion()
	errs := []error{err}
	switch {
	case o.CertFile == "" && o.KeyFile != "":
		errs = append(errs, errors.New("--tls-private-key-file requires --tls-cert-file"))
	case o.CertFile != "" && o.KeyFile == "":
		errs = append(errs, errors.New("--tls-cert-file requires --tls-private-key-file"))
	case o.CertFile != "":
		if _, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile); err != nil {
			errs = append(errs, fmt.Errorf("--tls-cert-file %s and --tls-private-key-file %s: %w", o.CertFile, o.KeyFile, err))
		}
	}
	switch {
	case o.Secret == "" && o.Service == "":
	case o.Secret == "":
		errs = append(errs, errors.New("--tls-service requires --tls-secret"))
	case o.Service == "":
		errs = append(errs, errors.New("--tls-secret requires --tls-service"))
	case o.CertFile != "":
		errs = append(errs, errors.New("--tls-secret must not be combined with --tls-cert-file"))
	default:
		_, _, err := o.shared()
		errs = append(errs, err)
	}
	return errs
}

// separate reports whether the serving certificate is of another authority than the owner's.
func (o *TLSOptions) separate() bool { return o.CertFile != "" || o.Secret != "" }

// shared returns the names of the Secret and of the Service.
func (o *TLSOptions) shared() (secret, service types.NamespacedName, err error) {
	secret, noSecret := parseName("--tls-secret", o.Secret, validation.IsDNS1123Subdomain)
	service, noService := parseName("--tls-service", o.Service, validation.IsDNS1123Label)
	return secret, service, errors.Join(noSecret, noService)
}

func parseName(flag, value string, isName func(string) []string) (types.NamespacedName, error) {
	namespace, name, _ := strings.Cut(value, "/")
	if len(validation.IsDNS1123Label(namespace)) > 0 || len(isName(name)) > 0 {
		return types.NamespacedName{}, fmt.Errorf("%s: %q is not of the form NAMESPACE/NAME", flag, value)
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, nil
}

func (o *TLSOptions) minVersion() (uint16, error) {
	version, err := cliflag.TLSVersion(o.MinVersion)
	if err != nil || version < tls.VersionTLS12 {
		return 0, fmt.Errorf("--tls-min-version: %q is none of %s", o.MinVersion, strings.Join(tlsVersions, ", "))
	}
	return version, nil
}
