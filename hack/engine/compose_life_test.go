// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build engine

package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tilt.dev/session/pkg/compose"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// container is the ID of the only container of a service.
func (a *app) container(service string) string {
	a.Helper()
	return a.docker("ps", "-aq", "--no-trunc", "--filter", "label=com.docker.compose.project="+a.project.Name,
		"--filter", "label=com.docker.compose.service="+service)
}

// TestComposeSwitch: disabling removes the container, enabling brings another, and a trigger replaces it.
func TestComposeSwitch(t *testing.T) {
	a := newApp(t, "  web:\n"+served+"  db:\n"+served)
	p := a.begin(compose.Options{}, a.service("web"), a.service("db"))
	p.wait("web=succeeded/ready db=succeeded/ready")
	web := engine.Selector{Names: []string{"web"}}
	switchTo := func(request func(context.Context) ([]string, error), want string) {
		t.Helper()
		_, err := request(t.Context())
		p.request(err)
		p.wait(want)
	}
	disable := func(ctx context.Context) ([]string, error) { return p.engine.Disable(ctx, web) }
	enable := func(ctx context.Context) ([]string, error) { return p.engine.Enable(ctx, web, false) }
	first := a.container("web")
	switchTo(disable, "web=disabled/disabled db=succeeded/ready")
	p.until("the removal", func() bool { return a.containers() == "db=running" })
	switchTo(enable, "web=succeeded/ready db=succeeded/ready")
	second := a.container("web")
	if second == "" || second == first {
		t.Errorf("container %q after %q", second, first)
	}
	p.request(p.engine.Trigger(t.Context(), []string{"web"}))
	p.until("another container", func() bool { c := a.container("web"); return c != second && !strings.Contains(c, "\n") })
	p.wait("web=succeeded/ready db=succeeded/ready")
	// Without a pause the update waits for the removal.
	for range 3 {
		switchTo(disable, "web=disabled/disabled db=succeeded/ready")
		_, err := enable(t.Context())
		p.request(err)
	}
	p.wait("web=succeeded/ready db=succeeded/ready")
	p.end()
	if got := a.containers(); got != "db=running web=running" && got != "web=running db=running" {
		t.Errorf("up leaves %q", got)
	}
	p.logged("2 containers of project " + a.project.Name + " keep running: tilt-session down")
}

// TestComposeRun: what the user started by `docker compose run` isn't removed along with the service.
func TestComposeRun(t *testing.T) {
	a := newApp(t, "  web:\n"+served)
	p := a.begin(compose.Options{}, a.service("web"))
	p.wait("web=succeeded/ready")
	first := a.container("web")
	a.compose("run", "-d", "web")
	web := engine.Selector{Names: []string{"web"}}
	_, err := p.engine.Disable(t.Context(), web)
	p.request(err)
	p.wait("web=disabled/disabled")
	p.until("the removal", func() bool { return !strings.Contains(a.container("web"), first) })
	_, err = p.engine.Enable(t.Context(), web, false) // Its update waits for the end of the removal.
	p.request(err)
	p.wait("web=succeeded/ready")
	if got := a.containers(); got != "web=running web=running" {
		t.Errorf("containers are %q", got)
	}
}

// TestComposeReload: a service that left the Tiltfile is removed, and the others aren't touched.
func TestComposeReload(t *testing.T) {
	a := newApp(t, "  web:\n"+served+"  db:\n"+served)
	p := a.begin(compose.Options{}, a.service("web"), a.service("db"))
	p.wait("web=succeeded/ready db=succeeded/ready")
	web := a.container("web")
	p.reload(a.service("web"))
	p.wait("web=succeeded/ready")
	p.until("the removal", func() bool { return a.containers() == "web=running" })
	if got := a.container("web"); got != web {
		t.Error("the other service has another container")
	}
}

// TestComposeAdopt: a run that begins with containers of an earlier one keeps them, also at the end of ci.
func TestComposeAdopt(t *testing.T) {
	a := newApp(t, "  web:\n"+served+"  db:\n"+served)
	a.compose("up", "-d", "web")
	web := a.container("web")
	network := a.networks()
	p := a.begin(compose.Options{CI: true}, a.service("web"), a.service("db"))
	p.wait("web=succeeded/ready db=succeeded/ready")
	p.end()
	if got := a.container("web"); got != web {
		t.Errorf("container %q, want %q", got, web)
	}
	if got := a.networks(); got != network {
		t.Errorf("network %q, want %q", got, network)
	}
	if got := a.containers(); got != "web=running" {
		t.Errorf("left: %s", got)
	}
}

// TestComposeKeep: with Keep everything stays, and Down removes what is selected, then the rest with its orphans.
func TestComposeKeep(t *testing.T) {
	a := newApp(t, "  web:\n"+served+"    volumes: [data:/data]\n  db:\n"+served+"volumes: {data: {}}\n")
	// An orphan is of the same project, and a stranger has other labels.
	a.orphan()
	stranger := a.docker("run", "-d", a.image(), "/app", "serve")
	t.Cleanup(func() { a.docker("rm", "-f", stranger) })
	resources := []model.Resource{a.service("web"), a.service("db")}
	p := a.begin(compose.Options{CI: true, Keep: true}, resources...)
	p.wait("web=succeeded/ready db=succeeded/ready")
	p.end()
	p.logged("2 containers of project " + a.project.Name + " keep running")
	if got := strings.Count(a.containers(), "=running"); got != 3 {
		t.Errorf("left: %s", a.containers())
	}
	down := func(options compose.DownOptions) {
		t.Helper()
		services := compose.New(compose.Options{Start: a.processes.Start, Projects: &a.projects})
		defer services.Close(t.Context())
		options.Log, options.Environ = engine.NewLog(p.logs, "down"), a.env
		if err := services.Down(t.Context(), resources, options); err != nil {
			t.Error(err)
		}
	}
	down(compose.DownOptions{Selected: func(name string) bool { return name == "db" }})
	if got := a.containers(); strings.Contains(got, "db") || !strings.Contains(got, "web=running") {
		t.Errorf("left: %s", got)
	}
	volumes := func() string {
		return a.docker("volume", "ls", "-q", "--filter", "label=com.docker.compose.project="+a.project.Name)
	}
	down(compose.DownOptions{})
	if got := a.containers() + a.networks(); got != "" || volumes() == "" {
		t.Errorf("left: %s, volumes %q", got, volumes())
	}
	down(compose.DownOptions{Volumes: true})
	if got := volumes(); got != "" {
		t.Errorf("volumes %q", got)
	}
	if got := a.docker("inspect", "--format", "{{.State.Status}}", stranger); got != "running" {
		t.Errorf("the stranger is %s", got)
	}
}

// orphan brings up a service of the project that its file doesn't have.
func (a *app) orphan() {
	a.Helper()
	file := filepath.Join(a.TempDir(), "orphan.yaml")
	text := "services:\n  orphan:\n    image: " + a.image() + "\n    command: [/app, serve]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		a.Fatal(err)
	}
	a.docker("compose", "-p", a.project.Name, "-f", file, "up", "-d")
}

// image is serviceImage.
func (a *app) image() string {
	name, _ := serviceImage()
	return name
}

// TestComposeOrphans: ci removes neither orphans nor what others have.
func TestComposeOrphans(t *testing.T) {
	a := newApp(t, "  web:\n"+served)
	a.orphan()
	p := a.begin(compose.Options{CI: true}, a.service("web"))
	p.wait("web=succeeded/ready")
	p.end()
	if got := a.containers(); got != "orphan=running" {
		t.Errorf("left: %s", got)
	}
}

// TestComposeInterrupted: whenever the run ends, nothing that ci has created is left.
func TestComposeInterrupted(t *testing.T) {
	services := "  web:\n" + served + "  built:\n    build: {context: build}\n    image: tilt-session-test/built\n" +
		"  stubborn:\n    image: IMAGE\n    command: [/app, stubborn]\n    stop_grace_period: 1s\n  late:\n    image: IMAGE\n    command: [/app, wait]\n" +
		"    stop_signal: SIGKILL\n    healthcheck: {test: [CMD, /app, fail], interval: 1h, start_period: 1h}\n"
	for phase, reached := range map[string]func(p *play) bool{
		"at once":  func(*play) bool { return true },
		"building": func(p *play) bool { return strings.Contains(p.log(), " build built") },
		"creating": func(p *play) bool { return strings.Contains(p.log(), "web-1  Creat") },
		"starting": func(p *play) bool { return strings.Contains(p.log(), "web-1  Started") },
		"unready": func(p *play) bool {
			return p.runtime("late").Phase == engine.Starting && p.runtime("late").Start.Unix() > 0
		},
		"everything": func(p *play) bool { return p.runtime("stubborn").Phase == engine.Ready },
	} {
		t.Run(phase, func(t *testing.T) {
			a := newApp(t, services)
			a.build("FROM " + a.image() + "\nRUN [\"/app\", \"print\", \"" + phase + "\"]\nCMD [\"/app\", \"serve\"]\n")
			t.Cleanup(func() { a.docker("image", "rm", "-f", "tilt-session-test/built") })
			p := a.begin(compose.Options{CI: true}, a.service("web"), a.service("built", func(r *model.Resource) {
				r.Update.(*model.ComposeUp).Builds = true
			}), a.service("stubborn"), a.service("late"))
			p.until(phase, func() bool { return reached(p) })
			began := time.Now()
			p.end()
			if took := time.Since(began); took > 2*p.grace+5*time.Second {
				t.Errorf("the end took %s", took)
			}
			if left := a.containers() + a.networks(); left != "" {
				t.Errorf("left: %s\n%s", left, p.log())
			}
		})
	}
}

// TestComposeHurried: an end without time leaves what there is, and says so.
func TestComposeHurried(t *testing.T) {
	a := newApp(t, "  web:\n"+served)
	p := a.begin(compose.Options{CI: true}, a.service("web"))
	p.grace = time.Nanosecond
	p.wait("web=succeeded/ready")
	p.end()
	p.logged("Containers of project " + a.project.Name + " are left, `tilt-session down` removes them: there was no time")
	if got := a.containers(); got != "web=running" {
		t.Errorf("left: %s", got)
	}
}

// build writes the Dockerfile of a service.
func (a *app) build(text string) {
	a.Helper()
	dir := filepath.Join(a.dir, "build")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		a.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o600); err != nil {
		a.Fatal(err)
	}
}

// TestComposeImages: a service runs the image that the Tiltfile builds, and gets the next one when that changes.
func TestComposeImages(t *testing.T) {
	a := newApp(t, "  web:\n    image: tilt-session-test/mine\n    command: [/app, serve]\n")
	build := func(text string) model.Image {
		return model.Image{Name: "tilt-session-test/mine", Build: &model.ImageBuild{
			Image: "tilt-session-test/mine", Deployed: true, Docker: &model.DockerBuild{
				Contents: "FROM " + a.image() + "\nLABEL text=" + text + "\n",
			},
		}}
	}
	web := a.service("web", func(r *model.Resource) {
		r.Images = []string{"tilt-session-test/mine"}
		r.Update.(*model.ComposeUp).Image = "tilt-session-test/mine"
	})
	project := projectOf([]model.Resource{web})
	project.Images = []model.Image{build("first")}
	p := a.beginProject(compose.Options{CI: true}, project)
	p.wait("web=succeeded/ready")
	if got := a.docker("inspect", "--format", `{{index .Config.Labels "text"}}`, a.container("web")); got != "first" {
		t.Errorf("the container has the image %q", got)
	}
	p.end()
	for id := range strings.FieldsSeq(a.docker("image", "ls", "-q", "tilt-session-test/mine")) {
		a.docker("image", "rm", "-f", id)
	}
}

// TestComposeLog: of many lines none is lost or shown twice.
func TestComposeLog(t *testing.T) {
	const lines = 100_000
	a := newApp(t, fmt.Sprintf("  log:\n    image: IMAGE\n    command: [/app, log, '%d']\n", lines))
	p := a.begin(compose.Options{CI: true}, a.service("log", oneOff))
	p.wait("log=succeeded/succeeded")
	seen := make([]int, lines)
	for batch := range p.logs.Read(t.Context(), logs.Selection{Sources: []string{"log"}, Until: closed}) {
		for line := range batch.Lines() {
			var n int
			if _, err := fmt.Sscanf(line.Text, "line %d", &n); err == nil {
				seen[n]++
			}
		}
	}
	for n, times := range seen {
		if times != 1 {
			t.Fatalf("line %d is shown %d times", n, times)
		}
	}
}

// TestComposeConflict: two runs can't have the same project from different files.
func TestComposeConflict(t *testing.T) {
	a := newApp(t, "  web:\n"+served)
	p := a.begin(compose.Options{}, a.service("web"))
	p.wait("web=succeeded/ready")
	other := *a.project
	other.Files = []string{a.dir + "/other.yaml"}
	second := a.begin(compose.Options{}, a.service("web", func(r *model.Resource) {
		r.Update.(*model.ComposeUp).Project = &other
	}))
	second.wait("web=failed/waiting")
	if got := second.updateError("web"); !strings.Contains(got, "another Session runs a project") {
		t.Errorf("the error is %q", got)
	}
}
