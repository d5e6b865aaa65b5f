// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/storage/storagebackend"
)

// EtcdOptions select the etcd of NewEtcd. NewEtcdOptions returns the defaults.
type EtcdOptions struct {
	// Servers are the client URLs of the members of one cluster. At least one is required.
	Servers []string
	// CAFile is the path of the CA certificates, in PEM, for the certificates of
	// members; "" selects those of the machine. It is read for each connection.
	CAFile string
	// CertFile and KeyFile are the paths of a client certificate and its private
	// key, in PEM. They are read for each connection.
	CertFile, KeyFile string
	// Prefix is the prefix of all keys.
	Prefix string
	// CompactionInterval is the interval at which etcd's history older than the interval is dropped, for all keys.
	// Several servers share this work. 0 disables it.
	CompactionInterval time.Duration
	// HealthcheckTimeout and ReadycheckTimeout bound the checks "etcd" and
	// "etcd-readiness". The checks repeat their last result for half of it.
	HealthcheckTimeout, ReadycheckTimeout time.Duration
}

// DefaultEtcdPrefix is the default of EtcdOptions.Prefix. It separates the keys from
// those of a kube-apiserver with the same etcd.
const DefaultEtcdPrefix = DefaultPrefix + "/tilt.dev"

// NewEtcdOptions returns the defaults, without a server.
func NewEtcdOptions() EtcdOptions {
	return EtcdOptions{
		Prefix:             DefaultEtcdPrefix,
		CompactionInterval: storagebackend.DefaultCompactInterval,
		HealthcheckTimeout: storagebackend.DefaultHealthcheckTimeout,
		ReadycheckTimeout:  storagebackend.DefaultReadinessTimeout,
	}
}

// AddFlags adds the flags, with the current values as their defaults.
func (o *EtcdOptions) AddFlags(fs *pflag.FlagSet) {
	fs.StringSliceVar(&o.Servers, "etcd-servers", o.Servers,
		"Store Sessions in the etcd cluster with these client URLs, separated by commas.")
	fs.StringVar(
		&o.CAFile,
		"etcd-cafile",
		o.CAFile,
		"Verify etcd's certificates with the CA certificates in this PEM file, read again for each connection"+
			" (default: those of the machine).",
	)
	fs.StringVar(
		&o.CertFile,
		"etcd-certfile",
		o.CertFile,
		"Authenticate to etcd with the client certificate in this PEM file, read again for each connection.",
	)
	fs.StringVar(&o.KeyFile, "etcd-keyfile", o.KeyFile, "PEM file with the private key of --etcd-certfile.")
	fs.StringVar(&o.Prefix, "etcd-prefix", o.Prefix, "Prefix of all keys in etcd.")
	fs.DurationVar(&o.CompactionInterval, "etcd-compaction-interval", o.CompactionInterval,
		"Interval at which older history is dropped from etcd; 0 disables it.")
	fs.DurationVar(
		&o.HealthcheckTimeout,
		"etcd-healthcheck-timeout",
		o.HealthcheckTimeout,
		`Timeout of the check "etcd" of /readyz and /healthz.`,
	)
	fs.DurationVar(
		&o.ReadycheckTimeout,
		"etcd-readycheck-timeout",
		o.ReadycheckTimeout,
		`Timeout of the check "etcd-readiness" of /readyz and /healthz.`,
	)
}

// Validate returns all errors of the options and the files. It doesn't connect to etcd.
func (o *EtcdOptions) Validate() []error {
	errs := o.validateServers()
	errs = append(errs, o.validateFiles()...)
	if !strings.HasPrefix(o.Prefix, "/") || path.Clean(o.Prefix) == "/" {
		errs = append(errs, fmt.Errorf("--etcd-prefix: %q must be a slash followed by a name", o.Prefix))
	}
	if o.CompactionInterval < 0 {
		errs = append(errs, fmt.Errorf("--etcd-compaction-interval: %v must not be negative", o.CompactionInterval))
	}
	if o.HealthcheckTimeout <= 0 {
		errs = append(errs, fmt.Errorf("--etcd-healthcheck-timeout: %v must be positive", o.HealthcheckTimeout))
	}
	if o.ReadycheckTimeout <= 0 {
		errs = append(errs, fmt.Errorf("--etcd-readycheck-timeout: %v must be positive", o.ReadycheckTimeout))
	}
	return errs
}

func (o *EtcdOptions) validateServers() []error {
	if len(o.Servers) == 0 {
		return []error{errors.New("--etcd-servers requires at least one URL, such as https://etcd:2379")}
	}
	var errs []error
	schemes := map[string]bool{}
	for _, server := range o.Servers {
		address, err := url.Parse(server)
		if err != nil || address.Scheme != "http" && address.Scheme != "https" || address.Hostname() == "" ||
			!isPort(address.Port()) ||
			address.User != nil ||
			strings.TrimPrefix(server, address.Scheme+"://") != address.Host {
			errs = append(
				errs,
				fmt.Errorf("--etcd-servers: %q must have the form https://host:port or http://host:port", server),
			)
			continue
		}
		schemes[address.Scheme] = true
	}
	switch {
	case len(schemes) > 1:
		errs = append(errs, errors.New("--etcd-servers: either all or none must use https"))
	case schemes["http"] && o.CAFile+o.CertFile+o.KeyFile != "":
		errs = append(errs, errors.New("--etcd-cafile, --etcd-certfile and --etcd-keyfile require --etcd-servers with https"))
	}
	return errs
}

// isPort reports whether a client can connect to a port.
func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

func (o *EtcdOptions) validateFiles() (errs []error) {
	files := *o
	switch {
	case o.CertFile == "" && o.KeyFile != "":
		errs = append(errs, errors.New("--etcd-keyfile requires --etcd-certfile"))
	case o.CertFile != "" && o.KeyFile == "":
		errs = append(errs, errors.New("--etcd-certfile requires --etcd-keyfile"))
		files.CertFile = ""
	}
	if _, err := files.tlsConfig(); err != nil {
		errs = append(errs, err)
	}
	return errs
}
