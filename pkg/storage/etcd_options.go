// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/storage/storagebackend"
)

// EtcdOptions say which etcd NewEtcd uses, and how. NewEtcdOptions has the defaults.
type EtcdOptions struct {
	// Servers are the URLs of the members of one cluster, as clients reach them.
	// At least one is required.
	Servers []string
	// CAFile is the path of the authorities, in PEM, that a member's certificate is
	// verified by; if empty they're those of the machine. It's read for each
	// connection that's made.
	CAFile string
	// CertFile and KeyFile are the paths of a client certificate and its private
	// key, in PEM. They're read for each connection that's made.
	CertFile, KeyFile string
	// Prefix is what all keys begin with.
	Prefix string
	// CompactionInterval is how often what's older than that is dropped from etcd's
	// history, all of it and not only that below Prefix. Several servers do that
	// once. 0 leaves it to others.
	CompactionInterval time.Duration
	// HealthcheckTimeout and ReadycheckTimeout bound the checks "etcd" and
	// "etcd-readiness". Within half of it after etcd was asked, they repeat what
	// they said before.
	HealthcheckTimeout, ReadycheckTimeout time.Duration
}

// DefaultEtcdPrefix is where keys begin unless EtcdOptions say otherwise. It keeps
// them apart from those of a kube-apiserver with the same etcd.
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

// AddFlags adds the flags, with what is set as their defaults.
func (o *EtcdOptions) AddFlags(fs *pflag.FlagSet) {
	fs.StringSliceVar(&o.Servers, "etcd-servers", o.Servers,
		"URLs of the members of an etcd cluster, separated by commas, to keep Sessions in for any number of servers")
	fs.StringVar(&o.CAFile, "etcd-cafile", o.CAFile, "file with the authorities that etcd's certificates are verified by, in PEM, read again for each connection (default: those of the machine)")
	fs.StringVar(&o.CertFile, "etcd-certfile", o.CertFile, "file with the client certificate to show to etcd, in PEM, read again for each connection")
	fs.StringVar(&o.KeyFile, "etcd-keyfile", o.KeyFile, "file with the private key of --etcd-certfile, in PEM")
	fs.StringVar(&o.Prefix, "etcd-prefix", o.Prefix, "what all keys in etcd begin with")
	fs.DurationVar(&o.CompactionInterval, "etcd-compaction-interval", o.CompactionInterval,
		"how often etcd drops history that's older than that, 0 if something else sees to it")
	fs.DurationVar(&o.HealthcheckTimeout, "etcd-healthcheck-timeout", o.HealthcheckTimeout, `how long etcd may take to answer the check "etcd" of /readyz and /healthz`)
	fs.DurationVar(&o.ReadycheckTimeout, "etcd-readycheck-timeout", o.ReadycheckTimeout, `how long etcd may take to answer the check "etcd-readiness" of /readyz and /healthz`)
}

// Validate returns everything that's wrong with the options, and with the files.
// Whether etcd can be reached isn't asked.
func (o *EtcdOptions) Validate() []error {
	errs := o.validateServers()
	errs = append(errs, o.validateFiles()...)
	if !strings.HasPrefix(o.Prefix, "/") || path.Clean(o.Prefix) == "/" {
		errs = append(errs, fmt.Errorf("--etcd-prefix: %q must begin with a slash, and have a name behind it", o.Prefix))
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
		return []error{errors.New("--etcd-servers: at least one is required, such as https://etcd:2379")}
	}
	var errs []error
	schemes := map[string]bool{}
	for _, server := range o.Servers {
		address, err := url.Parse(server)
		if err != nil || address.Scheme != "http" && address.Scheme != "https" || address.Hostname() == "" || !isPort(address.Port()) ||
			address.User != nil || strings.TrimPrefix(server, address.Scheme+"://") != address.Host {
			errs = append(errs, fmt.Errorf("--etcd-servers: %q isn't of the form https://host:port or http://host:port", server))
			continue
		}
		schemes[address.Scheme] = true
	}
	switch {
	case len(schemes) > 1:
		errs = append(errs, errors.New("--etcd-servers: either all are of https, or none"))
	case schemes["http"] && o.CAFile+o.CertFile+o.KeyFile != "":
		errs = append(errs, errors.New("--etcd-servers: with --etcd-cafile, --etcd-certfile or --etcd-keyfile they must be of https"))
	}
	return errs
}

// isPort is true for what a client can connect to.
func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

func (o *EtcdOptions) validateFiles() []error {
	_, err := o.authorities()
	errs := []error{err}
	switch {
	case o.CertFile == "" && o.KeyFile != "":
		errs = append(errs, errors.New("--etcd-keyfile: a key is of no use without --etcd-certfile"))
	case o.CertFile != "" && o.KeyFile == "":
		errs = append(errs, errors.New("--etcd-certfile: a certificate is of no use without --etcd-keyfile"))
	case o.CertFile != "":
		_, err := o.certificate()
		errs = append(errs, err)
	}
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}
