// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func TestEtcdOptionsFromFlags(t *testing.T) {
	options := NewEtcdOptions()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	options.AddFlags(flags)
	err := flags.Parse([]string{
		"--etcd-servers=http://a:1,http://b:2", "--etcd-prefix=/x", "--etcd-compaction-interval=0",
		"--etcd-healthcheck-timeout=3s", "--etcd-readycheck-timeout=4s",
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(options.Servers) != 2 || options.Prefix != "/x" || options.CompactionInterval != 0 ||
		options.HealthcheckTimeout != 3*time.Second || options.ReadycheckTimeout != 4*time.Second {
		t.Errorf("the flags make %+v", options)
	}
	if errs := options.Validate(); len(errs) > 0 {
		t.Error(errs)
	}
}

func TestEtcdOptionsAreValidated(t *testing.T) {
	certificate, key := writeIdentity(t)
	_, otherKey := writeIdentity(t)
	missing := filepath.Join(t.TempDir(), "missing")
	for name, c := range map[string]struct {
		change func(*EtcdOptions)
		want   []string // begins of errors; nil is none
	}{
		"defaults":         {func(*EtcdOptions) {}, nil},
		"IPv6":             {func(o *EtcdOptions) { o.Servers = []string{"https://[::1]:2379"} }, nil},
		"no server":        {func(o *EtcdOptions) { o.Servers = nil }, []string{"--etcd-servers requires at least one"}},
		"empty server":     {func(o *EtcdOptions) { o.Servers = []string{""} }, []string{`--etcd-servers: ""`}},
		"no scheme":        {func(o *EtcdOptions) { o.Servers = []string{"etcd:2379"} }, []string{`--etcd-servers: "etcd:2379"`}},
		"no port":          {func(o *EtcdOptions) { o.Servers = []string{"https://etcd"} }, []string{"--etcd-servers: "}},
		"path":             {func(o *EtcdOptions) { o.Servers = []string{"https://etcd:1/x"} }, []string{"--etcd-servers: "}},
		"user":             {func(o *EtcdOptions) { o.Servers = []string{"https://me@etcd:1"} }, []string{"--etcd-servers: "}},
		"mixed":            {func(o *EtcdOptions) { o.Servers = append(o.Servers, "http://b:1") }, []string{"--etcd-servers: either all or none"}},
		"files":            {func(o *EtcdOptions) { o.CAFile, o.CertFile, o.KeyFile = certificate, certificate, key }, nil},
		"files in vain":    {func(o *EtcdOptions) { o.Servers, o.CAFile = []string{"http://a:1"}, certificate }, []string{"--etcd-cafile, --etcd-certfile and --etcd-keyfile require"}},
		"missing CA":       {func(o *EtcdOptions) { o.CAFile = missing }, []string{"--etcd-cafile: open " + missing}},
		"CA without any":   {func(o *EtcdOptions) { o.CAFile = key }, []string{"--etcd-cafile: error creating pool from " + key}},
		"only certificate": {func(o *EtcdOptions) { o.CertFile = certificate }, []string{"--etcd-certfile requires --etcd-keyfile"}},
		"only key":         {func(o *EtcdOptions) { o.KeyFile = key }, []string{"--etcd-keyfile requires --etcd-certfile"}},
		"other key":        {func(o *EtcdOptions) { o.CertFile, o.KeyFile = certificate, otherKey }, []string{"--etcd-certfile " + certificate}},
		"prefix":           {func(o *EtcdOptions) { o.Prefix = "registry" }, []string{"--etcd-prefix: "}},
		"root":             {func(o *EtcdOptions) { o.Prefix = "//" }, []string{"--etcd-prefix: "}},
		"times": {func(o *EtcdOptions) { o.CompactionInterval, o.HealthcheckTimeout, o.ReadycheckTimeout = -1, 0, 0 },
			[]string{"--etcd-compaction-interval: ", "--etcd-healthcheck-timeout: ", "--etcd-readycheck-timeout: "}},
	} {
		t.Run(name, func(t *testing.T) {
			options := NewEtcdOptions()
			options.Servers = []string{"https://a:2379"}
			c.change(&options)
			errs := options.Validate()
			if len(errs) != len(c.want) {
				t.Fatalf("errors: %v, want %q", errors.Join(errs...), c.want)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(errs[i].Error(), want) {
					t.Errorf("error %q, want it to begin with %q", errs[i], want)
				}
			}
		})
	}
}

// TestEtcdClientCertificateIsReadAgain exchanges the files between two connections.
func TestEtcdClientCertificateIsReadAgain(t *testing.T) {
	options := NewEtcdOptions()
	options.Servers = []string{"https://a:2379"}
	options.CertFile, options.KeyFile = writeIdentity(t)
	shown := func() []byte {
		t.Helper()
		config, err := options.tlsConfig()
		if err != nil {
			t.Fatal(err)
		}
		certificate, err := config.GetClientCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return certificate.Certificate[0]
	}
	before := shown()
	certificate, key := writeIdentity(t)
	if err := errors.Join(os.Rename(certificate, options.CertFile), os.Rename(key, options.KeyFile)); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(shown(), before) {
		t.Error("the certificate is still the old one")
	}
}

// writeIdentity makes a certificate that's its own authority, for 127.0.0.1, and
// returns the paths of it and of its key.
func writeIdentity(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return writePEM(t, "CERTIFICATE", der), writePEM(t, "PRIVATE KEY", encoded)
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
