// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"

	"tilt.dev/session/hack/e2e/etcd"
	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	sessionclient "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
	"tilt.dev/session/pkg/storage"
)

// patienceWithEtcd is how long anything may take, a restart of etcd included.
const patienceWithEtcd = time.Minute

// overEtcd is a server in this process, whose storage is etcd.
type overEtcd struct {
	*apiserver.Server
	t        testing.TB
	backend  *storage.Backend
	client   *http.Client
	sessions sessionclient.SessionInterface

	stop    context.CancelFunc
	stopped chan struct{}
	// err is what Run has returned, once stopped is closed.
	err error
}

// startOver starts a server and doesn't wait until it's ready. It ends with the
// test.
func startOver(t testing.TB, cluster *etcd.Cluster, configure ...func(*storage.EtcdOptions)) *overEtcd {
	t.Helper()
	codec, err := apiserver.StorageCodec()
	if err != nil {
		t.Fatal(err)
	}
	etcdOptions := storage.NewEtcdOptions()
	etcdOptions.Servers = cluster.Endpoints()
	for _, change := range configure {
		change(&etcdOptions)
	}
	s := &overEtcd{t: t, stopped: make(chan struct{})}
	if s.backend, err = storage.NewEtcd(storage.Config{Codec: codec}, etcdOptions); err != nil {
		t.Fatal(err)
	}
	options := apiserver.NewOptions()
	options.Storage = s.backend
	config, err := options.Config()
	if err != nil {
		t.Fatal(err)
	}
	if s.Server, err = config.Complete().New(); err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	go func() {
		defer close(s.stopped)
		s.err = s.Run(ctx)
	}()
	t.Cleanup(s.end)
	s.connect()
	return s
}

func (s *overEtcd) connect() {
	s.t.Helper()
	access := s.Access()
	config := &rest.Config{
		Host: access.URL, BearerToken: access.Token, QPS: -1,
		TLSClientConfig: rest.TLSClientConfig{CAData: access.CertificateAuthority, ServerName: access.ServerName},
	}
	var err error
	if s.client, err = rest.HTTPClientFor(config); err != nil {
		s.t.Fatal(err)
	}
	set, err := versioned.NewForConfigAndClient(config, s.client)
	if err != nil {
		s.t.Fatal(err)
	}
	s.sessions = set.TiltV1alpha1().Sessions()
}

// end stops the server and what it stands on. Ending again does nothing.
func (s *overEtcd) end() {
	select {
	case <-s.stopped:
		return
	default:
	}
	utilnet.CloseIdleConnectionsFor(s.client.Transport)
	s.stop()
	<-s.stopped
	if s.err != nil {
		s.t.Errorf("running the server: %v", s.err)
	}
	if err := s.backend.Close(); err != nil {
		s.t.Errorf("closing the storage: %v", err)
	}
}

// ends expects that it ends in time.
func (s *overEtcd) ends() {
	s.t.Helper()
	began := time.Now()
	s.end()
	if took := time.Since(began); took > 5*time.Second {
		s.t.Errorf("a server took %v to end", took)
	}
}

func (s *overEtcd) awaitReady() {
	s.t.Helper()
	var status int
	var body string
	for deadline := time.Now().Add(patienceWithEtcd); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if status, body = s.health("readyz"); status == http.StatusOK {
			return
		}
	}
	s.t.Fatalf("the server isn't ready: %s", body)
}

// wantHealth waits until the status is as it should be: checks of etcd repeat for a
// while what they have said before.
func (s *overEtcd) wantHealth(endpoint string, want int, parts ...string) {
	s.t.Helper()
	status, body := s.health(endpoint)
	for deadline := time.Now().Add(patienceWithEtcd); status != want && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		status, body = s.health(endpoint)
	}
	if status != want {
		s.t.Errorf("/%s is %d: %s", endpoint, status, body)
	}
	for _, part := range parts {
		if !strings.Contains(body, part) {
			s.t.Errorf("/%s doesn't say %q: %s", endpoint, part, body)
		}
	}
}

func (s *overEtcd) health(endpoint string) (status int, body string) {
	s.t.Helper()
	response, err := s.client.Get(s.Access().URL + "/" + endpoint + "?verbose")
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	said, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(said)
}

func (s *overEtcd) tryCreate(name string) error {
	_, err := s.sessions.Create(s.t.Context(), &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.SessionSpec{TiltfilePath: "/Tiltfile", ExitCondition: v1alpha1.ExitConditionManual},
	}, metav1.CreateOptions{})
	return err
}

func (s *overEtcd) create(name string) *v1alpha1.Session {
	s.t.Helper()
	if err := s.tryCreate(name); err != nil {
		s.t.Fatal(err)
	}
	created, err := s.sessions.Get(s.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return created
}

// mark changes a Session, once.
func (s *overEtcd) mark(name string, mark int) *v1alpha1.Session {
	s.t.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{"mark":"%d"}}}`, mark)
	changed, err := s.sessions.Patch(s.t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		s.t.Fatalf("change %d: %v", mark, err)
	}
	return changed
}

// survives expects that a Session can be changed and read again soon, by a client
// that tries again what was refused because etcd was about to recover.
func (s *overEtcd) survives(name string, mark int) {
	s.t.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{"mark":"%d"}}}`, mark)
	deadline := time.Now().Add(patienceWithEtcd)
	for {
		began := time.Now()
		_, err := s.sessions.Patch(s.t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{})
		if took := time.Since(began); took > 30*time.Second {
			s.t.Errorf("change %d took %v: %v", mark, took, err)
		}
		if err == nil {
			break
		}
		if !apierrors.IsServiceUnavailable(err) || time.Now().After(deadline) {
			s.t.Fatalf("change %d: %v", mark, err)
		}
		s.t.Logf("change %d: %v", mark, err)
	}
	changed, err := s.sessions.Get(s.t.Context(), name, metav1.GetOptions{})
	if err != nil || changed.Labels["mark"] != fmt.Sprint(mark) {
		s.t.Errorf("after change %d: %v, %v", mark, changed, err)
	}
}

func (s *overEtcd) get(name string) error {
	_, err := s.sessions.Get(s.t.Context(), name, metav1.GetOptions{})
	return err
}

func (s *overEtcd) list(version string) error {
	_, err := s.sessions.List(s.t.Context(), metav1.ListOptions{ResourceVersion: version})
	return err
}

func (s *overEtcd) delete(name string) error {
	return s.sessions.Delete(s.t.Context(), name, metav1.DeleteOptions{})
}
