// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package server runs a real API server of Sessions for a test: over memory storage, on a free port of the loopback
// interface, with real certificates and tokens.
package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	"tilt.dev/session/pkg/storage"
	"tilt.dev/session/pkg/testing/scratch"
)

// startTimeout bounds how long a server may take to become ready.
const startTimeout = 30 * time.Second

// Server is a running API server with what a test needs to talk to it.
type Server struct {
	*apiserver.Server

	stop    context.CancelFunc
	stopped chan struct{}
	// err is what Run returned, once stopped is closed.
	err error
}

// Configure changes what a server is made from and can add to it before it runs.
type Configure struct {
	// Options, if set, is given the options before they are used.
	Options func(*apiserver.Options)
	// Server, if set, is given the server before it runs.
	Server func(*apiserver.Server) error
}

// Start returns a server that is ready. When the test ends it's stopped and
// waited for, and the test fails if that goes wrong.
func Start(t testing.TB, configure ...Configure) *Server {
	t.Helper()
	backend := newStorage(t)
	options := apiserver.NewOptions()
	options.Storage = backend
	options.UI, options.Runners = scratch.NoUI{}, true
	for _, c := range configure {
		if c.Options != nil {
			c.Options(options)
		}
	}
	config, err := options.Config()
	if err != nil {
		t.Fatalf("configuring the server: %v", err)
	}
	built, err := config.Complete().New()
	if err != nil {
		t.Fatalf("building the server: %v", err)
	}
	for _, c := range configure {
		if c.Server == nil {
			continue
		}
		if err := c.Server(built); err != nil {
			t.Fatalf("adding to the server: %v (closing it: %v)", err, built.Close())
		}
	}
	s := &Server{Server: built, stopped: make(chan struct{})}
	s.run(t)
	return s
}

func newStorage(t testing.TB) *storage.Backend {
	t.Helper()
	codec, err := apiserver.StorageCodec()
	if err != nil {
		t.Fatalf("storage codec: %v", err)
	}
	backend, err := storage.NewMemory(storage.Config{Codec: codec})
	if err != nil {
		t.Fatalf("opening the storage: %v", err)
	}
	t.Cleanup(func() {
		if err := backend.Close(); err != nil {
			t.Errorf("closing the storage: %v", err)
		}
	})
	return backend
}

func (s *Server) run(t testing.TB) {
	t.Helper()
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.WithoutCancel(t.Context()))
	go func() {
		defer close(s.stopped)
		s.err = s.Run(ctx)
	}()
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("running the server: %v", err)
		}
	})
	select {
	case <-s.Ready():
	case <-s.stopped:
		t.Fatal("the server has stopped before it was ready")
	case <-time.After(startTimeout):
		t.Fatalf("the server is not ready after %v", startTimeout)
	}
}

// Stop stops the server, waits for it and returns what Run returned. It's
// called at the end of the test unless it was called before.
func (s *Server) Stop() error {
	s.stop()
	<-s.stopped
	return s.err
}

// RESTConfig returns a configuration with a user's token, without a limit on the rate of requests.
func (s *Server) RESTConfig() *rest.Config {
	access := s.Access()
	return &rest.Config{
		Host:            access.URL,
		BearerToken:     access.Token,
		TLSClientConfig: rest.TLSClientConfig{CAData: access.CertificateAuthority, ServerName: access.ServerName},
		QPS:             -1,
	}
}

// Clientset returns a client with a user's token. Its connections are closed before the server is stopped.
func (s *Server) Clientset(t testing.TB) *versioned.Clientset {
	t.Helper()
	config := s.RESTConfig()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatalf("HTTP client: %v", err)
	}
	t.Cleanup(func() { utilnet.CloseIdleConnectionsFor(client.Transport) })
	clientset, err := versioned.NewForConfigAndClient(config, client)
	if err != nil {
		t.Fatalf("clientset: %v", err)
	}
	return clientset
}

// HTTPClient returns a client that trusts the server and sends no token. It
// speaks HTTP/1.1, one connection a request at a time.
func (s *Server) HTTPClient(t testing.TB) *http.Client {
	t.Helper()
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(s.Access().CertificateAuthority) {
		t.Fatal("the certificate authority is not PEM")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities, ServerName: s.Access().ServerName, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// Kubeconfig returns the path of a file by which kubectl finds the server.
func (s *Server) Kubeconfig(t testing.TB) string {
	t.Helper()
	const name = "test"
	access := s.Access()
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: access.URL, TLSServerName: access.ServerName, CertificateAuthorityData: access.CertificateAuthority}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: access.Token}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatalf("writing the kubeconfig: %v", err)
	}
	return path
}
