// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kubeapiserver runs a kube-apiserver as a process, with RBAC and what it
// takes to send requests to the API servers of others.
package kubeapiserver

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"tilt.dev/session/hack/e2e/pki"
	"tilt.dev/session/pkg/testing/port"
)

// patience is how long it may take to start or to end.
const patience = 2 * time.Minute

// Config says what it's started with.
type Config struct {
	// Program is the path of kube-apiserver.
	Program string
	// Storage are the servers of an etcd of its own.
	Storage []string
	// Users are known by client certificates of this authority, Proxies by those of
	// that one, if they have the name ProxyName.
	Users, Proxies *pki.Authority
	ProxyName      string
}

// Server runs until the test ends.
type Server struct {
	t         testing.TB
	config    Config
	authority *pki.Authority
	directory string
	url       string
}

// Start starts one and returns when it's ready.
func Start(t testing.TB, config Config) *Server {
	t.Helper()
	s := &Server{t: t, config: config, authority: pki.NewAuthority(t, "kube-apiserver"), directory: t.TempDir()}
	s.run(freePort(t))
	admin, err := kubernetes.NewForConfig(s.User("admin", "system:masters"))
	if err != nil {
		t.Fatal(err)
	}
	err = wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		return admin.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() == nil, nil
	})
	if err != nil {
		t.Fatalf("waiting for kube-apiserver: %v", err)
	}
	return s
}

// Stranger reaches it, verified, as nobody. It doesn't limit the rate of requests.
func (s *Server) Stranger() *rest.Config {
	return &rest.Config{Host: s.url, QPS: -1, TLSClientConfig: rest.TLSClientConfig{CAData: s.authority.PEM()}}
}

// User reaches it by a client certificate.
func (s *Server) User(name string, groups ...string) *rest.Config {
	s.t.Helper()
	config, pair := s.Stranger(), s.config.Users.Client(name, groups...)
	config.CertData, config.KeyData = pair.Cert, pair.Key
	return config
}

// Bearer reaches it by a token.
func (s *Server) Bearer(token string) *rest.Config {
	config := s.Stranger()
	config.BearerToken = token
	return config
}

// run starts the process, which ends with the test.
func (s *Server) run(port string) {
	s.t.Helper()
	s.url = "https://127.0.0.1:" + port
	logged := filepath.Join(s.directory, "log")
	log, err := os.Create(logged)
	if err != nil {
		s.t.Fatal(err)
	}
	// The process has its own.
	defer func() { _ = log.Close() }()
	command := exec.Command(s.config.Program, s.arguments(port)...)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			s.t.Errorf("stopping kube-apiserver: %v", err)
		}
		late := time.AfterFunc(patience, func() { _ = command.Process.Kill() })
		defer late.Stop()
		err := command.Wait()
		if content, _ := os.ReadFile(logged); err != nil || s.t.Failed() {
			s.t.Errorf("kube-apiserver has ended with %v\n%s", err, content[max(0, len(content)-16<<10):])
		}
	})
}

func (s *Server) arguments(port string) []string {
	serving := s.authority.Server("localhost", "kubernetes.default.svc").Write(s.directory, "serving")
	proxy := s.config.Proxies.Client(s.config.ProxyName).Write(s.directory, "proxy")
	accounts := s.authority.Server("service-accounts").Write(s.directory, "accounts")
	return []string{
		"--etcd-servers=" + strings.Join(s.config.Storage, ","),
		"--bind-address=127.0.0.1", "--secure-port=" + port,
		// Nothing but itself reaches it as a service.
		"--advertise-address=192.0.2.1", "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/24",
		"--tls-cert-file=" + serving.Cert, "--tls-private-key-file=" + serving.Key,
		"--client-ca-file=" + s.config.Users.Write(s.directory, "users"),
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + accounts.Key, "--service-account-signing-key-file=" + accounts.Key,
		"--requestheader-client-ca-file=" + s.config.Proxies.Write(s.directory, "proxies"),
		"--requestheader-allowed-names=" + s.config.ProxyName,
		"--requestheader-username-headers=X-Remote-User", "--requestheader-uid-headers=X-Remote-Uid",
		"--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + proxy.Cert, "--proxy-client-key-file=" + proxy.Key,
	}
}

// freePort is one of the loopback interface that nobody listens on. The program can't
// be asked for the one that it would choose.
func freePort(t testing.TB) string {
	t.Helper()
	reserved, err := port.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reserved.Release)
	return strconv.Itoa(reserved.Number)
}
