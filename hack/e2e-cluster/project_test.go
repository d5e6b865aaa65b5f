// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
)

// project is a directory with a Tiltfile, and a namespace of the cluster that its kubeconfig's context "c" names.
type project struct {
	testing.TB
	directory, namespace, kubeconfig string
	// environ is added to that of every program.
	environ []string
	// credential is that of the machine's user who runs the programs, nil for the one who runs the tests.
	credential *syscall.Credential
}

var projects atomic.Int32

// newProject writes the files and creates the namespace, which goes at the end of the test.
func newProject(t testing.TB, files string) *project {
	t.Helper()
	p := newDirectory(t, fmt.Sprintf("story-%d-%d", os.Getpid(), projects.Add(1)))
	p.write(files)
	p.kubectl("create", "namespace", p.namespace)
	t.Cleanup(func() {
		p.kubectl("delete", "namespace", p.namespace, "--wait=false")
	})
	return p
}

// newDirectory returns a project without files in a namespace that is there.
func newDirectory(t testing.TB, namespace string) *project {
	t.Helper()
	directory := t.TempDir()
	p := &project{TB: t, directory: filepath.Join(directory, "project"), namespace: namespace}
	p.kubeconfig = filepath.Join(directory, "kubeconfig")
	config, err := os.ReadFile(filepath.Join(*clusterDirectory, "kubeconfig"))
	p.ok(err)
	p.ok(os.WriteFile(p.kubeconfig, config, 0o600))
	p.ok(os.Mkdir(p.directory, 0o755))
	p.environ = []string{"KUBECONFIG=" + p.kubeconfig, "TILT_CONFIG=" + filepath.Join(directory, "tilt-config")}
	p.kubectl("config", "set-context", "c", "--namespace", namespace)
	return p
}

func (p *project) ok(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// write writes the files of a txtar archive.
func (p *project) write(files string) {
	p.Helper()
	for _, file := range txtar.Parse([]byte(files)).Files {
		path := filepath.Join(p.directory, file.Name)
		p.ok(os.MkdirAll(filepath.Dir(path), 0o755))
		content := strings.ReplaceAll(string(file.Data), "image: busybox", "image: "+busybox)
		content = strings.ReplaceAll(content, "FROM busybox", "FROM "+busybox)
		p.ok(os.WriteFile(path, []byte(content), 0o755))
	}
}

// replace replaces a text that a file has.
func (p *project) replace(file, old, new string) {
	p.Helper()
	path := filepath.Join(p.directory, file)
	content, err := os.ReadFile(path)
	p.ok(err)
	if !strings.Contains(string(content), old) {
		p.Fatalf("%s has no %q", file, old)
	}
	p.ok(os.WriteFile(path, []byte(strings.ReplaceAll(string(content), old, new)), 0o755))
}

// command is a program in the directory of the project.
func (p *project) command(ctx context.Context, name string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, name, arguments...)
	command.Dir = p.directory
	command.Env = append(os.Environ(), p.environ...)
	command.SysProcAttr = &syscall.SysProcAttr{Credential: p.credential}
	return command
}

// try returns what a program prints, and its error.
func (p *project) try(name string, arguments ...string) (string, error) {
	p.Helper()
	// Not as long as the test, as its cleanup runs programs too.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.Context()), 3*patience)
	defer cancel()
	output, err := p.command(ctx, name, arguments...).CombinedOutput()
	return string(output), err
}

// run ends the test unless a program succeeds.
func (p *project) run(name string, arguments ...string) string {
	p.Helper()
	output, err := p.try(name, arguments...)
	if err != nil {
		p.Fatalf("%s %s: %v\n%s", name, strings.Join(arguments, " "), err, output)
	}
	return output
}

func (p *project) kubectl(arguments ...string) string {
	p.Helper()
	return p.run("kubectl", arguments...)
}

// objects returns the "kind/name" of objects in the namespace, sorted by kubectl.
func (p *project) objects(kinds string) []string {
	p.Helper()
	return strings.Fields(p.kubectl("get", kinds, "--output=name"))
}

// get reads an object of the cluster into v, such as "deployment/web".
func (p *project) get(object string, v any) {
	p.Helper()
	p.ok(json.Unmarshal([]byte(p.kubectl("get", object, "--output=json")), v))
}

// eventually waits until something holds.
func (p *project) eventually(what string, holds func() bool) {
	p.Helper()
	end := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(end) {
			p.Fatalf("after %s it isn't so that %s", patience, what)
		}
		select {
		case <-p.Context().Done():
			p.Fatal(p.Context().Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// part starts or kills a part of the cluster.
func (p *project) part(verb, part string) {
	p.Helper()
	script, err := filepath.Abs("../cluster/cluster.sh")
	p.ok(err)
	p.run(script, verb, *clusterDirectory, part)
}

// restarting returns what starts a part again, which the end of the test does otherwise.
func (p *project) restarting(part string) func() {
	var once sync.Once
	start := func() { once.Do(func() { p.part("start", part) }) }
	p.Cleanup(start)
	return start
}

// freePort returns a port that nothing listens at.
func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
