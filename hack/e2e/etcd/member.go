// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tilt.dev/session/pkg/testing/port"
)

// Member is one process of a cluster, or the data of one.
type Member struct {
	t                        testing.TB
	program, name, directory string
	clientURL, peerURL       string
	initialCluster           string
	config                   Config
	// running is nil while there's no process.
	running *exec.Cmd
}

// newMember has addresses that nobody uses. It isn't started.
func newMember(t testing.TB, program, name string, config Config) *Member {
	t.Helper()
	scheme := "http://"
	if config.TLS != nil {
		scheme = "https://"
	}
	return &Member{
		t: t, program: program, name: name, directory: t.TempDir(), config: config,
		clientURL: scheme + freeAddress(t), peerURL: "http://" + freeAddress(t),
	}
}

// freeAddress is of the loopback interface. It has to be known before the member
// is started, and the same when it's started again.
func freeAddress(t testing.TB) string {
	t.Helper()
	reserved, err := port.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reserved.Release)
	return fmt.Sprintf("127.0.0.1:%d", reserved.Number)
}

// Endpoint is the address for clients, a URL.
func (m *Member) Endpoint() string { return m.clientURL }

// Start starts the process with the data that there is, and doesn't wait for it to
// join the cluster.
func (m *Member) Start() {
	m.t.Helper()
	m.launch()
}

// Stop ends the process with SIGTERM and waits for that. Data stays.
func (m *Member) Stop() {
	m.t.Helper()
	m.end(syscall.SIGTERM)
}

// Kill ends the process with SIGKILL, as a machine that's lost. What it had
// acknowledged stays.
func (m *Member) Kill() {
	m.t.Helper()
	m.end(syscall.SIGKILL)
}

// Freeze has the process stand still with its connections open, until Thaw.
func (m *Member) Freeze() {
	m.t.Helper()
	m.signal(syscall.SIGSTOP)
}

// Thaw has a frozen process go on.
func (m *Member) Thaw() {
	m.t.Helper()
	m.signal(syscall.SIGCONT)
}

func (m *Member) launch() {
	m.t.Helper()
	if m.running != nil {
		m.t.Fatalf("etcd %s runs already", m.name)
	}
	log, err := os.OpenFile(filepath.Join(m.directory, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		m.t.Fatal(err)
	}
	// The process has its own.
	defer func() { _ = log.Close() }()
	command := exec.Command(m.program, m.arguments()...)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		m.t.Fatalf("starting etcd: %v", err)
	}
	m.running = command
	m.t.Cleanup(func() {
		if m.running == command {
			m.end(syscall.SIGKILL)
		}
		m.tellLog()
	})
}

func (m *Member) arguments() []string {
	arguments := []string{
		"--name=" + m.name,
		"--data-dir=" + filepath.Join(m.directory, "data"),
		"--listen-client-urls=" + m.clientURL,
		"--advertise-client-urls=" + m.clientURL,
		"--listen-peer-urls=" + m.peerURL,
		"--initial-advertise-peer-urls=" + m.peerURL,
		"--initial-cluster=" + m.initialCluster,
		// Milliseconds. All is on one machine, though a busy one.
		"--heartbeat-interval=50",
		"--election-timeout=500",
		// It would be a client of the member, which has no certificate for that.
		"--enable-grpc-gateway=false",
		"--log-level=warn",
	}
	if m.config.Quota > 0 {
		arguments = append(arguments, fmt.Sprintf("--quota-backend-bytes=%d", m.config.Quota))
	}
	if secured := m.config.TLS; secured != nil {
		arguments = append(arguments,
			"--client-cert-auth",
			"--trusted-ca-file="+secured.CAFile,
			"--cert-file="+secured.Server.Cert,
			"--key-file="+secured.Server.Key,
		)
	}
	return arguments
}

// end waits for the process, whatever it ends with.
func (m *Member) end(signal os.Signal) {
	m.t.Helper()
	m.signal(signal)
	late := time.AfterFunc(patience, func() { _ = m.running.Process.Kill() })
	defer late.Stop()
	var exit *exec.ExitError
	if err := m.running.Wait(); err != nil && !errors.As(err, &exit) {
		m.t.Errorf("waiting for etcd %s: %v", m.name, err)
	}
	m.running = nil
}

func (m *Member) signal(signal os.Signal) {
	m.t.Helper()
	if m.running == nil {
		m.t.Fatalf("etcd %s doesn't run", m.name)
	}
	if err := m.running.Process.Signal(signal); err != nil {
		m.t.Errorf("%v for etcd %s: %v", signal, m.name, err)
	}
}

// tellLog shows what the process has said, if the test has failed.
func (m *Member) tellLog() {
	if !m.t.Failed() {
		return
	}
	log, err := os.ReadFile(filepath.Join(m.directory, "log"))
	if err != nil {
		m.t.Logf("log of etcd %s: %v", m.name, err)
		return
	}
	if most := 8 << 10; len(log) > most {
		log = log[len(log)-most:]
	}
	m.t.Logf("log of etcd %s:\n%s", m.name, log)
}
