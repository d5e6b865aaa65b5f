// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	tilt "github.com/tilt-dev/tilt/pkg/apis/core/v1alpha1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// project ends in the ways that our Sessions tell more about than Tilt's.
const project = `
local_resource('succeeds', cmd='true')
local_resource('fails', cmd='exit 3')
local_resource('killed', cmd='kill -KILL $$')
local_resource('server', serve_cmd='exec sleep 1000')
local_resource('idle', cmd='true', auto_init=False)
`

// deadline bounds everything that is waited for. It's long, because it only
// matters when something is broken.
const deadline = time.Minute

// server is a tilt-session that runs project until the test ends.
type server struct {
	config *rest.Config
	// http is shared by all clients. Its connections are closed before the
	// server is stopped.
	http *http.Client
}

// start runs "tilt-session up" on any free port.
func start(t *testing.T) *server {
	t.Helper()
	binary, dir := build(t), t.TempDir()
	tiltfile, kubeconfig := filepath.Join(dir, "Tiltfile"), filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(tiltfile, []byte(project), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary, "up", "--port", "0", "--kill-grace", "1s", "-f", tiltfile)
	command.Env = append(os.Environ(), "TILT_CONFIG="+kubeconfig)
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = command.Stdout
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	context, text := make(chan string, 1), make(chan string, 1)
	go listen(output, context, text)
	t.Cleanup(func() {
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("stopping tilt-session: %v", err)
		}
		printed := <-text
		if err := command.Wait(); err != nil || t.Failed() {
			t.Errorf("tilt-session ended with: %v\n%s", err, printed)
		}
	})
	select {
	case name, ok := <-context:
		if !ok {
			t.Fatal("tilt-session has ended without serving its API")
		}
		return connect(t, kubeconfig, name)
	case <-time.After(deadline):
		t.Fatal("tilt-session doesn't tell where it serves its API")
	}
	return nil
}

// build returns the path of the program, made from what is checked out.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "tilt-session")
	command := exec.Command("go", "build", "-o", binary, "./cmd/tilt-session")
	command.Dir = filepath.Join("..", "..")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building tilt-session: %v\n%s", err, output)
	}
	return binary
}

// listen reads what the program prints until it ends. It sends the name of the
// kubeconfig's context as soon as that's told, and all of the text at the end.
func listen(output io.Reader, context, text chan<- string) {
	announcement := regexp.MustCompile(`serves sessions\.tilt\.dev on \S+, context (\S+) of`)
	var printed strings.Builder
	defer func() { text <- printed.String() }()
	defer close(context)
	lines := bufio.NewScanner(output)
	for announced := false; lines.Scan(); {
		fmt.Fprintln(&printed, lines.Text())
		if match := announcement.FindStringSubmatch(lines.Text()); match != nil && !announced {
			announced = true
			context <- match[1]
		}
	}
}

func connect(t *testing.T, kubeconfig, context string) *server {
	t.Helper()
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: kubeconfig},
		&clientcmd.ConfigOverrides{CurrentContext: context}).ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	connections, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { utilnet.CloseIdleConnectionsFor(connections.Transport) })
	return &server{config: config, http: connections}
}

// tiltClient returns a client that knows Tilt's Go types and no others.
func (s *server) tiltClient(t *testing.T) client.WithWatch {
	t.Helper()
	c, err := client.NewWithWatch(s.config, client.Options{Scheme: tilt.NewScheme(), HTTPClient: s.http})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
