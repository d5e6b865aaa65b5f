// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/client/v3/kubernetes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/apis/example"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
	apistorage "k8s.io/apiserver/pkg/storage"
)

// newEtcdBackend opens a storage in the etcd at an address. It's closed at the end
// of the test, which mustn't take long whatever etcd does.
func newEtcdBackend(t *testing.T, options EtcdOptions) *Backend {
	t.Helper()
	backend, err := NewEtcd(Config{Codec: codecs.LegacyCodec(examplev1.SchemeGroupVersion)}, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		began := time.Now()
		if err := backend.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("closing took %v", took)
		}
	})
	return backend
}

func etcdAt(address string) EtcdOptions {
	options := NewEtcdOptions()
	options.Servers = []string{address}
	return options
}

// silent accepts connections, as a process that stands still does, and never says anything.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return "http://" + listener.Addr().String()
}

// unusedAddress returns an address on which nothing listens.
func unusedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return "http://" + listener.Addr().String()
}

func TestEtcdThatIsNotThere(t *testing.T) {
	for name, c := range map[string]struct {
		address, reason string
		patience        time.Duration
	}{
		"refused": {unusedAddress(t), "connection refused", 6 * time.Second},
		"silent":  {silent(t), "etcd doesn't answer", 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := etcdAt(c.address)
			options.HealthcheckTimeout = c.patience
			backend := newEtcdBackend(t, options)
			resource, _, err := openPodsSoon(backend, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := health(t.Context(), backend); !errorHas(err, "etcd: etcd doesn't answer", c.reason) || !errorHas(err, "etcd-readiness: ") {
				t.Errorf("the checks say: %v", err)
			}
			if err := resource.ReadinessCheck(); err == nil {
				t.Error("the cache is ready")
			}
			began := time.Now()
			err = resource.Get(t.Context(), "/example.test/pods/default/one", apistorage.GetOptions{}, &example.Pod{})
			if !apierrors.IsServiceUnavailable(err) || !errorHas(err, c.reason) {
				t.Errorf("reading says: %v", err)
			}
			pod := &example.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "one"}}
			err = resource.Create(t.Context(), "/example.test/pods/default/one", pod, &example.Pod{}, 0)
			if !apierrors.IsServiceUnavailable(err) || !errorHas(err, c.reason) || errorHas(err, "may have stored") {
				t.Errorf("writing says: %v", err)
			}
			if took := time.Since(began); took > 60*time.Second {
				t.Errorf("it took %v to say so", took)
			}
		})
	}
}

func errorHas(err error, parts ...string) bool {
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			return false
		}
	}
	return true
}

// TestEtcdOfAnotherAuthority exchanges the CA certificates while the client tries to connect.
func TestEtcdOfAnotherAuthority(t *testing.T) {
	certificate, key := writeIdentity(t)
	options := etcdAt(strings.Replace(startFakeEtcd(t, &fakeEtcd{}, certificate, key), "http:", "https:", 1))
	options.CAFile, _ = writeIdentity(t)
	options.HealthcheckTimeout, options.ReadycheckTimeout = time.Second, time.Second
	backend := newEtcdBackend(t, options)
	says := func(reason string) func() bool {
		return func() bool { return errorHas(health(t.Context(), backend), reason) }
	}
	eventually(t, "the health check reports an unknown authority", says("certificate signed by unknown authority"))
	if err := os.WriteFile(options.CAFile, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the health check reports a file without certificates", says("error creating pool from "+options.CAFile+": data does not contain any valid"))
	if err := os.Rename(certificate, options.CAFile); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its own authority is known", func() bool { return health(t.Context(), backend) == nil })
}

func TestEtcdThatRefuses(t *testing.T) {
	fake := &fakeEtcd{}
	backend := newEtcdBackend(t, etcdAt(startFakeEtcd(t, fake, "", "")))
	client := backend.source.client.Kubernetes
	for name, c := range map[string]struct {
		err   error
		read  int32 // status codes
		write int32
		// tries is how often a read is sent.
		tries int64
	}{
		"no majority":  {rpctypes.ErrGRPCTimeout, http.StatusServiceUnavailable, http.StatusServiceUnavailable, 1},
		"no leader":    {rpctypes.ErrGRPCTimeoutDueToLeaderFail, http.StatusServiceUnavailable, http.StatusServiceUnavailable, 1},
		"no space":     {rpctypes.ErrGRPCNoSpace, 0, http.StatusInsufficientStorage, 1},
		"too busy":     {rpctypes.ErrGRPCRequestTooManyRequests, http.StatusTooManyRequests, http.StatusTooManyRequests, 1},
		"too large":    {rpctypes.ErrGRPCRequestTooLarge, 0, http.StatusRequestEntityTooLarge, 1},
		"stopping":     {status.Error(codes.Unavailable, "going away"), http.StatusServiceUnavailable, http.StatusServiceUnavailable, 100},
		"compacted":    {rpctypes.ErrGRPCCompacted, 0, 0, 1},
		"unauthorized": {rpctypes.ErrGRPCPermissionDenied, 0, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			fake.refuse(c.err)
			_, err := client.Get(t.Context(), "/a", kubernetes.GetOptions{})
			if got := codeOf(err); err == nil || got != c.read {
				t.Errorf("reading says %d: %v", got, err)
			}
			if got := fake.calls.Load(); got != c.tries {
				t.Errorf("it was asked %d times", got)
			}
			_, err = client.OptimisticPut(t.Context(), "/a", nil, 0, kubernetes.PutOptions{})
			if got := codeOf(err); err == nil || got != c.write {
				t.Errorf("writing says %d: %v", got, err)
			}
			if c.write == http.StatusServiceUnavailable && !errorHas(err, "the change may have been stored") {
				t.Errorf("the error of a write doesn't say that the change may have been stored: %v", err)
			}
			if got := fake.calls.Load(); got != c.tries+1 {
				t.Error("a write was tried again")
			}
		})
	}
}

// What gRPC itself doesn't send, or not take, is too large as well as what etcd says so of.
func TestEtcdWriteThatIsTooLarge(t *testing.T) {
	client := newEtcdBackend(t, etcdAt(startFakeEtcd(t, &fakeEtcd{}, "", "", grpc.MaxRecvMsgSize(1<<20)))).source.client.Kubernetes
	for name, c := range map[string]struct {
		size   int
		reason string
	}{
		"for the client": {5 << 19, "trying to send message larger than max"},
		"for the server": {3 << 19, "received message larger than max"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.OptimisticPut(t.Context(), "/a", make([]byte, c.size), 0, kubernetes.PutOptions{})
			if !apierrors.IsRequestEntityTooLargeError(err) || !errorHas(err, c.reason) {
				t.Errorf("writing says %d: %v", codeOf(err), err)
			}
		})
	}
}

// codeOf is the status code of an error that a client of the API gets as it is, 0 for another.
func codeOf(err error) int32 {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return 0
	}
	return status.Status().Code
}

// fakeEtcd answers every read by nothing, or both reads and writes by an error.
type fakeEtcd struct {
	pb.UnimplementedKVServer
	err   atomic.Pointer[error]
	calls atomic.Int64
}

func (f *fakeEtcd) refuse(err error) {
	f.err.Store(&err)
	f.calls.Store(0)
}

func (f *fakeEtcd) answer() error {
	if err := f.err.Load(); err != nil {
		return *err
	}
	return nil
}

// Range counts what the test reads. Others read as well.
func (f *fakeEtcd) Range(_ context.Context, request *pb.RangeRequest) (*pb.RangeResponse, error) {
	if strings.HasPrefix(string(request.Key), "/a") {
		f.calls.Add(1)
	}
	return &pb.RangeResponse{Header: &pb.ResponseHeader{}}, f.answer()
}

func (f *fakeEtcd) Txn(context.Context, *pb.TxnRequest) (*pb.TxnResponse, error) {
	f.calls.Add(1)
	return &pb.TxnResponse{Header: &pb.ResponseHeader{}}, f.answer()
}

// startFakeEtcd returns its address. With a certificate it's TLS all the same.
func startFakeEtcd(t *testing.T, fake *fakeEtcd, certificate, key string, options ...grpc.ServerOption) string {
	t.Helper()
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			t.Fatal(err)
		}
		options = append(options, grpc.Creds(credentials.NewServerTLSFromCert(&pair)))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(options...)
	pb.RegisterKVServer(server, fake)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return "http://" + listener.Addr().String()
}
