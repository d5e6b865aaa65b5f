// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package replica runs one server of an API as a process: tilt-session serve, with
// what an administrator gives it.
package replica

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a process may take to start or to end.
const patience = time.Minute

// Replica is a process that has an address. It ends with the test at the latest.
type Replica struct {
	t       testing.TB
	command *exec.Cmd
	address string
	printed chan string
	health  *http.Client
	// ended is true once the process was waited for.
	ended bool
}

// Start runs a program as "serve", with arguments and on a free port of the
// loopback interface, and returns when it serves.
func Start(t testing.TB, program string, arguments ...string) *Replica {
	t.Helper()
	command := exec.Command(program, append([]string{"serve", "--secure-port=0"}, arguments...)...)
	home := t.TempDir()
	command.Env = append(os.Environ(), "HOME="+home, "TILT_CONFIG="+home+"/kubeconfig", "XDG_STATE_HOME="+home+"/state")
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = command.Stdout
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	r := &Replica{t: t, command: command, printed: make(chan string, 1), health: probe()}
	address := make(chan string, 1)
	go listen(output, address, r.printed)
	t.Cleanup(func() {
		if !r.ended {
			r.Stop()
		}
		r.health.CloseIdleConnections()
	})
	select {
	case r.address = <-address:
		if r.address == "" {
			t.Fatal("a replica has ended without serving its API")
		}
	case <-time.After(patience):
		t.Fatal("a replica doesn't tell where it serves its API")
	}
	return r
}

// Address is its host and port.
func (r *Replica) Address() string { return r.address }

// Stop tells it to end and waits until it has, in good order.
func (r *Replica) Stop() {
	r.t.Helper()
	if err := r.command.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Errorf("stopping a replica: %v", err)
	}
	late := time.AfterFunc(patience, func() { _ = r.command.Process.Signal(syscall.SIGABRT) })
	defer late.Stop()
	printed := <-r.printed
	r.ended = true
	if err := r.command.Wait(); err != nil || r.t.Failed() {
		r.t.Errorf("the replica %s has ended with: %v\n%s", r.address, err, tail(printed))
	}
}

// Ready returns nil if the replica says that it's ready, or what it says else.
func (r *Replica) Ready() error { return r.ask("/readyz") }

// Alive returns nil if the replica says that it's alive, or what it says else.
func (r *Replica) Alive() error { return r.ask("/livez") }

func (r *Replica) ask(path string) error {
	response, err := r.health.Get("https://" + r.address + path + "?verbose")
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%d: %s", response.StatusCode, body)
	}
	return nil
}

// probe asks for health as a kubelet does, which verifies nothing: it knows whom it
// has started. Each probe has a connection of its own.
func probe() *http.Client {
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		DisableKeepAlives: true,
	}}
}

var announcement = regexp.MustCompile(`serves sessions\.tilt\.dev on https://([^ ,]+),`)

// listen reads what the program prints until it ends. It sends the address as soon
// as that's told, and all of the text at the end.
func listen(output io.Reader, address, text chan<- string) {
	var printed strings.Builder
	defer func() { text <- printed.String() }()
	defer close(address)
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for announced := false; lines.Scan(); {
		fmt.Fprintln(&printed, lines.Text())
		if match := announcement.FindStringSubmatch(lines.Text()); match != nil && !announced {
			announced = true
			address <- match[1]
		}
	}
}

func tail(printed string) string {
	if most := 16 << 10; len(printed) > most {
		return "..." + printed[len(printed)-most:]
	}
	return printed
}
