// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// etcdCredentials are TLS credentials that read their files for each connection. A
// connection that fails because of them is retried as any other.
type etcdCredentials struct {
	// The methods for servers.
	credentials.TransportCredentials
	options EtcdOptions
}

// dialTLS returns the options for TLS, or none without TLS.
func (o *EtcdOptions) dialTLS() []grpc.DialOption {
	if !strings.HasPrefix(o.Servers[0], "https:") {
		return nil
	}
	return []grpc.DialOption{grpc.WithTransportCredentials(etcdCredentials{credentials.NewTLS(nil), *o})}
}

// ClientHandshake implements credentials.TransportCredentials.
func (c etcdCredentials) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	config, err := c.options.tlsConfig()
	if err != nil {
		return nil, nil, err
	}
	return credentials.NewTLS(config).ClientHandshake(ctx, authority, conn)
}

// Clone implements credentials.TransportCredentials.
func (c etcdCredentials) Clone() credentials.TransportCredentials {
	return etcdCredentials{c.TransportCredentials.Clone(), c.options}
}

// authorities returns the CA certificates, or nil for those of the machine.
func (o *EtcdOptions) authorities() (*x509.CertPool, error) {
	if o.CAFile == "" {
		return nil, nil
	}
	content, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("--etcd-cafile: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("--etcd-cafile: %s has no certificate", o.CAFile)
	}
	return pool, nil
}

// certificate reads the client certificate.
func (o *EtcdOptions) certificate() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("--etcd-certfile %s and --etcd-keyfile %s: %w", o.CertFile, o.KeyFile, err)
	}
	return &pair, nil
}

// tlsConfig returns the configuration for one connection, with the current files.
func (o *EtcdOptions) tlsConfig() (*tls.Config, error) {
	authorities, err := o.authorities()
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authorities}
	if o.CertFile != "" {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return o.certificate() }
	}
	return config, nil
}
