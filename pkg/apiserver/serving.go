// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/validation"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/certs"
)

const (
	// authorityLifetime exceeds the time that a server runs: the entry in the owner's kubeconfig verifies the server as
	// long as it runs. A server renews an authority in a directory if it starts in the second half of the lifetime.
	authorityLifetime = 10 * 365 * 24 * time.Hour
	// ownerServerName selects the certificate of the server's own authority by SNI where the default certificate is
	// of another one. In that case it isn't valid for any address, because other clients would get it too.
	ownerServerName = "tilt-session"
	// loopbackServerName is the name by which clients in this process verify the server.
	loopbackServerName = genericapiserver.LoopbackClientServerNameOverride
)

// apiServiceName is the APIService through which a kube-apiserver proxies to this server.
var apiServiceName = v1alpha1.SchemeGroupVersion.Version + "." + v1alpha1.GroupName

// secure configures certificates, tokens, authentication and authorization.
func (c *Config) secure() error {
	id, err := c.options.identity()
	if err != nil {
		return err
	}
	version, err := c.options.TLS.minVersion()
	if err != nil {
		return err
	}
	serving := &genericapiserver.SecureServingInfo{Listener: c.listener, MinTLSVersion: version}
	subject := machineAt(c.listener.Addr())
	if c.options.TLS.separate() {
		subject = certs.Subject{Names: []string{ownerServerName}}
	}
	subject.Names = append(subject.Names, loopbackServerName)
	own, err := certs.NewSelfIssued(id.authority, subject, c.options.clock)
	if err != nil {
		return fmt.Errorf("create the serving certificate: %w", err)
	}
	serving.Cert = own
	if c.options.TLS.separate() {
		if serving.Cert, err = c.defaultCertificate(); err != nil {
			return err
		}
		serving.SNICerts = []dynamiccertificates.SNICertKeyContentProvider{own}
		c.access.ServerName = ownerServerName
	}
	c.generic.SecureServing = serving
	loopbackToken := newToken()
	if c.loopback, err = c.newLoopback(loopbackToken, id.authority.Bundle()); err != nil {
		return err
	}
	c.generic.ExternalAddress = c.listener.Addr().String()
	c.access.URL, c.access.CertificateAuthority, c.access.Token = c.loopback.Host, id.authority.Bundle(), id.token
	return errors.Join(c.authenticate(id.token, loopbackToken), c.authorize())
}

// defaultCertificate returns the certificate of the files or of the Secret.
func (c *Config) defaultCertificate() (dynamiccertificates.CertKeyContentProvider, error) {
	options := &c.options.TLS
	if options.Secret != "" {
		return c.sharedCertificate()
	}
	files, err := dynamiccertificates.NewDynamicServingContentFromFiles("serving-cert", options.CertFile, options.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert-file and --tls-private-key-file: %w", err)
	}
	return files, nil
}

// sharedCertificate returns the certificate that the server shares with its replicas.
// Readiness waits until clients can verify it.
func (c *Config) sharedCertificate() (*certs.Shared, error) {
	secret, service, err := c.options.TLS.shared()
	if err != nil {
		return nil, err
	}
	kubeconfig := c.options.Authentication.RemoteKubeConfigFile
	config, err := c.coreConfig("--authentication-kubeconfig", kubeconfig, lookupTimeout)
	if err != nil {
		return nil, err
	}
	core, noCore := kubernetes.NewForConfig(config)
	untyped, noUntyped := dynamic.NewForConfig(config)
	if err := errors.Join(noCore, noUntyped); err != nil {
		return nil, fmt.Errorf("--tls-secret: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	shared, err := certs.NewShared(ctx, certs.SharedOptions{
		Secret:     secret,
		Subject:    certs.ServiceSubject(service),
		APIService: apiServiceName,
		Core:       core,
		Dynamic:    untyped,
		Clock:      c.options.clock,
	})
	if err != nil {
		return nil, fmt.Errorf("--tls-secret: %w", err)
	}
	c.readyz = append(c.readyz, healthz.NamedCheck("serving-certificate", func(*http.Request) error {
		return shared.Published()
	}))
	return shared, nil
}

// machineAt returns the names and addresses of a server on this machine: the loopback
// ones and the bound one, or all of the machine if the server is bound to all.
func machineAt(bound net.Addr) certs.Subject {
	s := certs.Subject{
		Names:     []string{"localhost"},
		Addresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	add := func(address net.IP) {
		if !slices.ContainsFunc(s.Addresses, address.Equal) {
			s.Addresses = append(s.Addresses, address)
		}
	}
	tcp, ok := bound.(*net.TCPAddr)
	if !ok {
		return s
	}
	if !tcp.IP.IsUnspecified() {
		add(tcp.IP)
		return s
	}
	// Without a name or further addresses, clients use the loopback ones.
	if name, err := os.Hostname(); err == nil && len(validation.IsDNS1123Subdomain(name)) == 0 {
		s.Names = append(s.Names, name)
	}
	interfaces, _ := net.InterfaceAddrs()
	for _, address := range interfaces {
		if network, ok := address.(*net.IPNet); ok && !network.IP.IsLinkLocalUnicast() {
			add(network.IP)
		}
	}
	return s
}

// release frees the resources of a server that isn't run: its queues of reloads end
// once they run, and idle connections to the core API server are closed.
func (c *Config) release() {
	if serving := c.generic.SecureServing; serving != nil {
		done, cancel := context.WithCancel(context.Background())
		cancel()
		for _, provider := range []any{serving.Cert, serving.ClientCA} {
			if runner, ok := provider.(dynamiccertificates.ControllerRunner); ok {
				runner.Run(done, 1)
			}
		}
	}
	c.closeCoreConnections()
}

// newLoopback returns the configuration of clients in this process. They share connections, which the server closes
// when it stops, and use no proxy.
func (c *Config) newLoopback(token string, authority []byte) (*rest.Config, error) {
	config, err := c.generic.SecureServing.NewLoopbackClientConfig(token, authority)
	if err != nil {
		return nil, fmt.Errorf("configure the loopback client: %w", err)
	}
	tlsConfig, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, fmt.Errorf("configure TLS of the loopback client: %w", err)
	}
	transport := utilnet.SetTransportDefaults(&http.Transport{TLSClientConfig: tlsConfig})
	// SetTransportDefaults sets a proxy from the environment.
	transport.Proxy = nil
	config.UserAgent = c.userAgent()
	config.Transport, config.TLSClientConfig = transport, rest.TLSClientConfig{}
	return config, nil
}

// userAgent returns the User-Agent of clients in this process. The default one names no version.
func (c *Config) userAgent() string {
	return fmt.Sprintf("tilt-session/%s (%s/%s)", c.options.Version, runtime.GOOS, runtime.GOARCH)
}
