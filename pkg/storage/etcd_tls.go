// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	certutil "k8s.io/client-go/util/cert"
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
func (c etcdCredentials) ClientHandshake(
	ctx context.Context,
	authority string,
	conn net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
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

// tlsConfig returns the configuration for one connection, with the current files.
func (o *EtcdOptions) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	var errs []error
	if o.CAFile != "" {
		pool, err := certutil.NewPool(o.CAFile)
		if err != nil {
			errs = append(errs, fmt.Errorf("--etcd-cafile: %w", err))
		}
		config.RootCAs = pool
	}
	if o.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			errs = append(errs, fmt.Errorf("--etcd-certfile %s and --etcd-keyfile %s: %w", o.CertFile, o.KeyFile, err))
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return config, errors.Join(errs...)
}
