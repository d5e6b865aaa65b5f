// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build engine

package engine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tilt.dev/session/pkg/compose"
	"tilt.dev/session/pkg/process"
)

// socket is the path of the engine's socket.
func (a *app) socket() string {
	for _, entry := range a.env {
		if host, ok := strings.CutPrefix(entry, "DOCKER_HOST=unix://"); ok {
			return host
		}
	}
	return "/var/run/docker.sock"
}

// change has the run use another environment; a name without a value is removed.
func (a *app) change(entries ...string) {
	before := a.env
	a.env = process.MergeEnv(slices.Clone(a.env), entries)
	a.Cleanup(func() { a.env = before })
}

// green runs one service to its end.
func (a *app) green() {
	a.Helper()
	p := a.begin(compose.Options{CI: true}, a.service("web"))
	p.wait("web=succeeded/ready")
	p.logged("web | serving []")
	p.end()
	if left := a.containers(); left != "" {
		a.Errorf("left: %s", left)
	}
}

// TestComposeBySSH reaches the engine as Docker's client does for ssh://, by a program of that name.
func TestComposeBySSH(t *testing.T) {
	a := newApp(t, "  web:\n"+served)
	bin := t.TempDir()
	script := "#!/bin/sh\nexport DOCKER_HOST=unix://" + a.socket() + "\nexec docker system dial-stdio\n"
	if err := os.WriteFile(filepath.Join(bin, "ssh"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	a.change("DOCKER_HOST=ssh://elsewhere", "PATH="+bin+":"+os.Getenv("PATH"))
	a.green()
}

// TestComposeByContext reaches the engine of the current context.
func TestComposeByContext(t *testing.T) {
	a := newApp(t, "  web:\n"+served)
	config := t.TempDir()
	before := os.Getenv("DOCKER_CONFIG")
	if before == "" {
		before = filepath.Join(os.Getenv("HOME"), ".docker")
	}
	if plugins := filepath.Join(before, "cli-plugins"); exists(plugins) {
		if err := os.Symlink(plugins, filepath.Join(config, "cli-plugins")); err != nil {
			t.Fatal(err)
		}
	}
	socket := a.socket()
	a.change("DOCKER_CONFIG="+config, "DOCKER_HOST")
	a.docker("context", "create", "mine", "--docker", "host=unix://"+socket)
	a.docker("context", "use", "mine")
	a.green()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
