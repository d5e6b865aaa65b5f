// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build engine

package engine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tilt.dev/session/pkg/compose"
)

// busyboxImage builds an image with a static BusyBox, which has tar and a shell.
func (a *app) busyboxImage() string {
	a.Helper()
	path, err := exec.LookPath("busybox")
	if err != nil {
		a.Fatal(err)
	}
	name := fmt.Sprintf("tilt-session-test/busybox-%d", os.Getpid())
	build := exec.Command("docker", "build", "-q", "-t", name, "-f", "-", filepath.Dir(path))
	build.Stdin = strings.NewReader("FROM scratch\nCOPY busybox /bin/busybox\n" +
		`RUN ["/bin/busybox", "ln", "-s", "busybox", "/bin/sh"]` + "\n")
	if out, err := build.CombinedOutput(); err != nil {
		a.Fatalf("%v: %s", err, out)
	}
	a.Cleanup(func() { a.docker("image", "rm", "-f", name) })
	return name
}

// file is a file in the container of a service, or why it can't be read.
func (a *app) file(service, path string) string {
	a.Helper()
	id := a.compose("ps", "-q", service)
	local := filepath.Join(a.TempDir(), "file")
	if out, err := exec.Command("docker", "cp", id+":"+path, local).CombinedOutput(); err != nil {
		return string(out)
	}
	data, err := os.ReadFile(local)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func (a *app) write(path, text string) {
	a.Helper()
	path = filepath.Join(a.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		a.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		a.Fatal(err)
	}
}

// TestComposeLiveUpdate: files get into the containers of a service that runs an image of the Tiltfile, one of a full
// image and one of an image without tar, and what a live update doesn't cover leads to a build.
func TestComposeLiveUpdate(t *testing.T) {
	for name, test := range map[string]struct{ program, steps, ran string }{
		"image with a shell": {"sh, -c, 'while :; do /bin/busybox sleep 1; done'", "sync('web/src', '/src'), " +
			"run('/bin/busybox cp /src/file /copy', trigger='web/src/file'), restart_container()", "two"},
		"image without tar": {"/app, serve", "sync('web/src', '/src')", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, "  web:\n    image: NAME\n    command: ["+test.program+"]\n    stop_grace_period: 0s\n")
			helper := a.busyboxImage()
			image, base := a.project.Name+"-web", helper
			if test.ran == "" {
				base, _ = serviceImage()
			}
			a.Cleanup(func() { a.docker("image", "prune", "-f"); a.docker("image", "rm", "-f", image) })
			services, err := os.ReadFile(a.project.Files[0])
			if err != nil {
				t.Fatal(err)
			}
			a.write("compose.yaml", strings.ReplaceAll(string(services), "NAME", image))
			a.write("web/Dockerfile", "FROM "+base+"\nCOPY . /\n")
			a.write("web/src/file", "one")
			p := a.beginProject(compose.Options{Helper: helper}, a.tiltfile(
				"docker_build('"+image+"', 'web', live_update=["+test.steps+"])"))
			p.wait("web=succeeded/ready")
			container := a.compose("ps", "-q", "web")
			a.write("web/src/file", "two")
			p.until("the change in the container", func() bool { return a.file("web", "/src/file") == "two" })
			p.wait("web=succeeded/ready")
			if got := a.compose("ps", "-q", "web"); got != container {
				t.Errorf("container %s was replaced by %s\n%s", container, got, p.log())
			}
			if test.ran != "" && a.file("web", "/copy") != test.ran {
				t.Errorf("the command made %q", a.file("web", "/copy"))
			}
			if err := os.Remove(filepath.Join(a.dir, "web/src/file")); err != nil {
				t.Fatal(err)
			}
			p.until("the removal in the container", func() bool {
				return strings.Contains(a.file("web", "/src/file"), "Could not find")
			})
			a.write("web/other", "x")
			p.until("another container", func() bool { return a.file("web", "/other") == "x" })
			p.wait("web=succeeded/ready")
			restarts := 0
			if test.ran != "" {
				restarts = 1 // The command fails after the removal.
			}
			if n := strings.Count(p.log(), "Restarting the container"); n != restarts {
				t.Errorf("%d restarts, want %d\n%s", n, restarts, p.log())
			}
		})
	}
}
