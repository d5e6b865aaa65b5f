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

// etcdCredentials is TLS that reads its files for each connection. One that fails
// because of them is tried again, as any other is.
type etcdCredentials struct {
	// What isn't about clients is left to it.
	credentials.TransportCredentials
	options EtcdOptions
}

// dialTLS returns what has connections to etcd be of TLS, nothing if they aren't.
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

// authorities are nil where the machine's are good.
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
		return nil, fmt.Errorf("--etcd-cafile: there's no certificate in %s", o.CAFile)
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

// tlsConfig is for one connection: it has the authorities that there are now.
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
