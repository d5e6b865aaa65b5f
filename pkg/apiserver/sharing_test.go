// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes/scheme"
	testingclock "k8s.io/utils/clock/testing"

	"tilt.dev/session/pkg/apiserver"
	testserver "tilt.dev/session/pkg/testing/server"
)

// sharedObjects are the Secret and the APIService of replicas in a kube-apiserver.
type sharedObjects struct {
	mu     sync.Mutex
	secret *corev1.Secret
	bundle []byte
	// unwritable makes writes to the APIService fail.
	unwritable bool
}

func (s *sharedObjects) serve(mux *http.ServeMux, answer func(http.ResponseWriter, int, any), refuse func(http.ResponseWriter, *apierrors.StatusError)) {
	const secrets, apiService = "/api/v1/namespaces/prod/secrets", "/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.tilt.dev"
	handle := func(pattern string, do func(body []byte) (any, *apierrors.StatusError)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if object, err := do(body); err != nil {
				refuse(w, err)
			} else {
				answer(w, http.StatusOK, object)
			}
		})
	}
	handle("GET "+secrets+"/serving", func([]byte) (any, *apierrors.StatusError) {
		if s.secret == nil {
			return nil, apierrors.NewNotFound(corev1.Resource("secrets"), "serving")
		}
		return s.secret, nil
	})
	write := func(body []byte) (any, *apierrors.StatusError) {
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		s.secret = object.(*corev1.Secret)
		s.secret.APIVersion, s.secret.Kind = "v1", "Secret"
		return s.secret, nil
	}
	handle("POST "+secrets, write)
	handle("PUT "+secrets+"/serving", write)
	api := func() any {
		return map[string]any{"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": map[string]any{"resourceVersion": "1"}, "spec": map[string]any{"caBundle": s.bundle}}
	}
	handle("GET "+apiService, func([]byte) (any, *apierrors.StatusError) { return api(), nil })
	handle("PATCH "+apiService, func(body []byte) (any, *apierrors.StatusError) {
		var patch struct{ Spec struct{ CABundle []byte } }
		if err := json.Unmarshal(body, &patch); err != nil || s.unwritable {
			return nil, apierrors.NewForbidden(corev1.Resource("apiservices"), "v1alpha1.tilt.dev", err)
		}
		s.bundle = patch.Spec.CABundle
		return api(), nil
	})
}

// roots returns the authorities by which a kube-apiserver verifies a replica.
func (s *sharedObjects) roots() *x509.CertPool {
	s.mu.Lock()
	defer s.mu.Unlock()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.bundle)
	return pool
}

// forget deletes the Secret, and publish sets whether the APIService can be written.
func (s *sharedObjects) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secret = nil
}

func (s *sharedObjects) publish(can bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unwritable = !can
}

const serviceHost = "session.prod.svc"

// sharing configures a server that shares its certificate.
func sharing(core *coreAPI, clock *testingclock.FakeClock) testserver.Configure {
	return testserver.Configure{Options: func(o *apiserver.Options) {
		o.Authentication.RemoteKubeConfigFile, o.Authentication.SkipInClusterLookup = core.kubeconfig(), true
		o.TLS.Secret, o.TLS.Service = "prod/serving", "prod/session"
		o.SetClock(clock)
	}}
}

// Replicas serve one certificate, which the published authority verifies, and replace it
// without closing connections of clients or owners.
func TestCertificateIsShared(t *testing.T) {
	t.Parallel()
	core, clock := newCoreAPI(t), testingclock.NewFakeClock(time.Now())
	replicas := []*testserver.Server{testserver.Start(t, sharing(core, clock)), testserver.Start(t, sharing(core, clock))}
	shown := func(server *testserver.Server) *x509.Certificate {
		return leaf(t, server, &tls.Config{RootCAs: core.shared.roots(), ServerName: serviceHost, Time: clock.Now})
	}
	first := shown(replicas[0])
	if first == nil || !first.Equal(shown(replicas[1])) {
		t.Fatal("the replicas serve different certificates, or the published authority does not verify them")
	}
	var all []*traffic
	for _, server := range replicas {
		token := "Authorization: Bearer " + server.Access().Token
		all = append(all,
			startTraffic(t, server, &tls.Config{RootCAs: core.shared.roots(), ServerName: serviceHost, Time: clock.Now}, token),
			startTraffic(t, server, &tls.Config{RootCAs: ownRoots(t, server), ServerName: server.Access().ServerName}, token))
	}
	for _, tr := range all {
		tr.goesOn(t)
	}
	core.shared.forget()
	// One sync creates it, another one sees that it has been published for long enough.
	for range 3 {
		awaitSync(t, clock, len(replicas))
		clock.Step(time.Minute)
	}
	for _, server := range replicas {
		eventually(t, "another certificate is shown", func() bool {
			now := shown(server)
			if now == nil {
				t.Fatal("the published authority does not verify the served certificate")
			}
			return !now.Equal(first)
		})
	}
	for _, tr := range all {
		tr.check(t)
	}
}

// awaitSync waits until all servers wait for their next sync, and for the next check of
// the age of their own certificate.
func awaitSync(t *testing.T, clock *testingclock.FakeClock, servers int) {
	t.Helper()
	eventually(t, "all servers wait", func() bool { return clock.Waiters() == 2*servers })
}

func TestReadinessWaitsForPublication(t *testing.T) {
	t.Parallel()
	core, clock := newCoreAPI(t), testingclock.NewFakeClock(time.Now())
	core.shared.publish(false)
	server := testserver.Start(t, sharing(core, clock))
	owner := newRawClient(t, server)
	reply := owner.do(http.MethodGet, "/readyz?verbose", nil).want(http.StatusInternalServerError)
	if !strings.Contains(string(reply.body), "[-]serving-certificate failed") {
		t.Errorf("readiness is %s", reply.body)
	}
	why := as(t, server, identity{}).do(http.MethodGet, "/readyz/serving-certificate", nil).want(http.StatusInternalServerError)
	if !strings.Contains(string(why.body), "publish the authority as caBundle of APIService v1alpha1.tilt.dev") {
		t.Errorf("the reason is %s", why.body)
	}
	owner.do(http.MethodGet, "/livez", nil).want(http.StatusOK)
	core.shared.publish(true)
	eventually(t, "it gets ready", func() bool {
		clock.Step(time.Second)
		return owner.do(http.MethodGet, "/readyz", nil).code == http.StatusOK
	})
}

func TestOptionsOfSharing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*apiserver.Options)
		want   string
	}{
		"no service":   {func(o *apiserver.Options) { o.TLS.Secret = "prod/serving" }, "--tls-secret requires --tls-service"},
		"no secret":    {func(o *apiserver.Options) { o.TLS.Service = "prod/session" }, "--tls-service requires --tls-secret"},
		"no namespace": {func(o *apiserver.Options) { o.TLS.Secret, o.TLS.Service = "serving", "prod/session" }, `--tls-secret: "serving" is not of the form NAMESPACE/NAME`},
		"no name":      {func(o *apiserver.Options) { o.TLS.Secret, o.TLS.Service = "prod/serving", "prod/" }, `--tls-service: "prod/" is not of the form NAMESPACE/NAME`},
		"no cluster":   {func(o *apiserver.Options) { o.TLS.Secret, o.TLS.Service = "prod/serving", "prod/session" }, "--in-cluster or --authentication-kubeconfig"},
		"files as well": {func(o *apiserver.Options) {
			o.TLS.Secret, o.TLS.Service, o.TLS.CertFile, o.TLS.KeyFile = "prod/serving", "prod/session", "a", "b"
		}, "--tls-secret must not be combined with --tls-cert-file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := newOptions(t)
			test.change(options)
			if err := errors.Join(options.Validate()...); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v instead of %q", err, test.want)
			}
		})
	}
}
