// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.etcd.io/etcd/client/v3/kubernetes"
)

// etcdProgram is the environment variable with the path of etcd's server, by which the suite runs over a real one
// as well. It's none of this module's dependencies; hack/e2e has it.
const etcdProgram = "TILT_SESSION_ETCD"

// openEtcd opens a backend on an etcd of its own, as the suite compacts history.
func openEtcd(t testing.TB, config Config) (*Backend, error) {
	t.Helper()
	options := NewEtcdOptions()
	options.Servers = []string{startEtcd(t, os.Getenv(etcdProgram))}
	options.CompactionInterval = 0
	backend, err := NewEtcd(config, options)
	if err != nil {
		return nil, err
	}
	eventually(t, "etcd answers", func() bool {
		_, err := backend.source.client.Kubernetes.Get(t.Context(), "/", kubernetes.GetOptions{})
		return err == nil
	})
	return backend, nil
}

// startEtcd returns the URL of a process that ends with the test.
func startEtcd(t testing.TB, program string) string {
	t.Helper()
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	clients, peers := freeURL(t), freeURL(t)
	command := exec.Command(program, "--name=one", "--data-dir="+filepath.Join(dir, "data"), "--unsafe-no-fsync", "--log-level=error",
		"--listen-client-urls="+clients, "--advertise-client-urls="+clients,
		"--listen-peer-urls="+peers, "--initial-advertise-peer-urls="+peers, "--initial-cluster=one="+peers,
		"--heartbeat-interval=10", "--election-timeout=100")
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatalf("starting etcd: %v", err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		_ = log.Close()
		if said, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("etcd says:\n%s", said)
		}
	})
	return clients
}

func freeURL(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return fmt.Sprint("http://", listener.Addr())
}
