// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregator

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/ptr"

	"tilt.dev/session/hack/e2e/pki"
)

const (
	mirrorName = "mirror"
	mirrorPath = "/apis/mirror.example/v1"
)

// Mirror is another service of the aggregator, which remembers the certificate that
// it was last shown.
type Mirror struct {
	aggregator *Server
	server     *httptest.Server

	mu    sync.Mutex
	shown []byte
}

// StartMirror starts one, until the test ends.
func (s *Server) StartMirror() *Mirror {
	s.t.Helper()
	authority, host := pki.NewAuthority(s.t, mirrorName), mirrorName+"."+s.config.Namespace+".svc"
	pair := authority.Server(host)
	certificate, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		s.t.Fatal(err)
	}
	m := &Mirror{aggregator: s}
	m.server = httptest.NewUnstartedServer(m)
	m.server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAnyClientCert}
	m.server.StartTLS()
	s.t.Cleanup(func() {
		m.server.CloseClientConnections()
		m.server.Close()
	})
	s.addService(mirrorName, func() (string, error) { return m.server.Listener.Addr().String(), nil })
	_, err = s.APIServices().Create(context.Background(), &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: "v1.mirror.example"},
		Spec: apiregistrationv1.APIServiceSpec{
			Group: "mirror.example", Version: "v1", GroupPriorityMinimum: 1, VersionPriority: 1, CABundle: authority.PEM(),
			Service: &apiregistrationv1.ServiceReference{Namespace: s.config.Namespace, Name: mirrorName, Port: ptr.To[int32](443)},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Await("v1.mirror.example")
	return m
}

// Await returns when the aggregator shows a certificate.
func (m *Mirror) Await(pair pki.Pair) {
	s := m.aggregator
	s.t.Helper()
	client := s.clientset()
	s.eventually("the new certificate is shown", func(ctx context.Context) bool {
		return client.RESTClient().Get().AbsPath(mirrorPath).Do(ctx).Error() == nil && m.saw(pair)
	})
}

// ServeHTTP implements http.Handler.
func (m *Mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != mirrorPath {
		http.NotFound(w, r)
		return
	}
	m.mu.Lock()
	m.shown = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.TLS.PeerCertificates[0].Raw})
	m.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	// A client that has gone isn't there to be told.
	_, _ = w.Write([]byte(`{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"mirror.example/v1","resources":[]}`))
}

func (m *Mirror) saw(pair pki.Pair) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Equal(m.shown, pair.Cert)
}
