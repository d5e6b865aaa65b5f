// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build engine

package engine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/compose"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/filewatch"
	"tilt.dev/session/pkg/image"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
	"tilt.dev/session/pkg/session"
)

// enough is how long a test waits for what must happen.
const enough = time.Minute

// serviceImage is an image with the program, for all tests.
var serviceImage = sync.OnceValues(func() (string, error) {
	name := fmt.Sprintf("tilt-session-test/service-%d", os.Getpid())
	build := exec.Command("docker", "build", "-q", "-t", name, "-f", "-", filepath.Dir(programFile))
	build.Stdin = strings.NewReader("FROM scratch\nCOPY app /app\n")
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return name, nil
})

// removeServiceImage removes serviceImage once all tests have ended.
func removeServiceImage() {
	if name, err := serviceImage(); err == nil {
		_ = exec.Command("docker", "image", "rm", "-f", name).Run()
	}
}

// app is a Compose project of one test, and a run of it.
type app struct {
	testing.TB
	dir       string
	project   *model.ComposeProject
	processes *process.Runner
	projects  compose.Projects
	env       []string
}

// newApp returns a project with services, whose definitions are indented YAML. IMAGE stands for serviceImage.
func newApp(t testing.TB, services string) *app {
	t.Helper()
	name, err := serviceImage()
	if err != nil {
		t.Fatal(err)
	}
	processes, err := process.New(process.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := &app{TB: t, dir: t.TempDir(), processes: processes, env: os.Environ()}
	file := filepath.Join(a.dir, "compose.yaml")
	a.project = &model.ComposeProject{
		Name:      strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-")) + fmt.Sprint(os.Getpid()),
		Directory: a.dir, Files: []string{file},
	}
	text := "services:\n" + strings.ReplaceAll(services, "IMAGE", name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.compose("down", "--remove-orphans", "--volumes", "-t", "0")
		if err := processes.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// compose runs Compose as a user would.
func (a *app) compose(args ...string) string {
	a.Helper()
	args = append([]string{"compose", "-p", a.project.Name, "-f", a.project.Files[0]}, args...)
	return a.docker(args...)
}

func (a *app) docker(args ...string) string {
	a.Helper()
	command := exec.Command("docker", args...)
	command.Env = a.env
	out, err := command.CombinedOutput()
	if err != nil {
		a.Errorf("docker %q: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// containers are the names of the project's containers with their states, sorted.
func (a *app) containers() string {
	a.Helper()
	out := a.docker("ps", "-a", "--filter", "label=com.docker.compose.project="+a.project.Name,
		"--format", `{{.Label "com.docker.compose.service"}}={{.State}}`)
	return strings.Join(strings.Fields(out), " ")
}

func (a *app) networks() string {
	a.Helper()
	return a.docker("network", "ls", "-q", "--filter", "label=com.docker.compose.project="+a.project.Name)
}

type option func(*model.Resource)

// service is a resource.
func (a *app) service(name string, options ...option) model.Resource {
	r := model.Resource{
		Name: name, AutoInit: true, AllowParallel: true,
		Update:  &model.ComposeUp{Resource: name, Service: name, Project: a.project},
		Runtime: &model.ComposeService{Resource: name, Service: name, Project: a.project, Scale: 1},
	}
	for _, o := range options {
		o(&r)
	}
	return r
}

func after(names ...string) option {
	return func(r *model.Resource) { r.ResourceDeps = append(r.ResourceDeps, names...) }
}

func oneOff(r *model.Resource) { r.Runtime.(*model.ComposeService).OneOff = true }

func scale(n int) option {
	return func(r *model.Resource) { r.Runtime.(*model.ComposeService).Scale = n }
}

// play is a run of an app.
type play struct {
	*app
	services *compose.Runner
	engine   *engine.Engine
	logs     *logs.Store
	changed  chan struct{}
	reload   func(...model.Resource)
	cancel   context.CancelFunc
	ended    chan struct{}
	once     sync.Once
	// grace is how long the end may take.
	grace time.Duration
}

// loads is a Tiltfile that can change.
type loads struct {
	mu      sync.Mutex
	project model.Project
}

func (l *loads) Load(context.Context, engine.LoadInput) (model.Project, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.project, nil
}

func projectOf(resources []model.Resource) model.Project {
	return model.Project{
		Resources: resources, Enabled: model.Selection{All: true}, MaxParallelUpdates: 3,
	}
}

// kinds are those of a run with images.
type kinds struct {
	*compose.Runner
	images *image.Builder
}

func (k kinds) StartUpdate(request engine.UpdateRequest) (engine.Activity, error) {
	if _, ok := request.Update.(*model.ImageBuild); ok {
		return k.images.StartUpdate(request)
	}
	return k.Runner.StartUpdate(request)
}

// begin runs services.
func (a *app) begin(options compose.Options, resources ...model.Resource) *play {
	return a.beginProject(options, projectOf(resources))
}

func (a *app) beginProject(options compose.Options, project model.Project) *play {
	p := &play{
		app: a, changed: make(chan struct{}, 1), ended: make(chan struct{}), grace: 10 * time.Second,
		logs: logs.New(32<<20, clock.RealClock{}),
	}
	options.Start, options.Projects, options.Log = a.processes.Start, &a.projects, engine.NewLog(p.logs, "all")
	p.services = compose.New(options)
	images, err := image.New(image.Options{Start: a.processes.Start})
	if err != nil {
		a.Fatal(err)
	}
	files, err := filewatch.New(clock.RealClock{})
	if err != nil {
		a.Fatal(err)
	}
	tiltfile := &loads{project: project}
	p.engine = engine.New(engine.Config{
		Tiltfile: filepath.Join(a.dir, "Tiltfile"), Load: tiltfile, Logs: p.logs, Environ: a.env,
		Updates: kinds{p.services, images}, Runtimes: p.services, KillGrace: p.grace,
		Adopted:  p.services.SetProject,
		Watch:    files.Watch,
		Disabled: func(r *model.Resource) { p.services.Disable(r, engine.NewLog(p.logs, r.Name)) },
		OnChange: func(*engine.Snapshot) {
			select {
			case p.changed <- struct{}{}:
			default:
			}
		},
	})
	p.reload = func(resources ...model.Resource) {
		tiltfile.mu.Lock()
		tiltfile.project = projectOf(resources)
		tiltfile.mu.Unlock()
		p.request(p.engine.Trigger(a.Context(), []string{model.TiltfileResource}))
	}
	ctx, cancel := context.WithCancel(a.Context())
	p.cancel = cancel
	go func() {
		defer close(p.ended)
		if err := p.engine.Run(ctx); err != nil {
			a.Error(err)
		}
		closing, cancel := context.WithTimeout(context.Background(), p.grace)
		defer cancel()
		p.services.Close(closing)
		images.Close()
		if err := files.Close(); err != nil {
			a.Error(err)
		}
	}()
	a.Cleanup(p.end)
	return p
}

// end ends the run.
func (p *play) end() {
	p.once.Do(func() {
		p.cancel()
		select {
		case <-p.ended:
		case <-time.After(enough):
			p.Error("the run doesn't end")
		}
		p.logs.Close()
	})
}

func (p *play) request(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// show is the state of all resources: "web=succeeded/ready".
func show(s *engine.Snapshot) string {
	var words []string
	phases := session.Phases(s)
	for i, r := range s.Resources {
		words = append(words, fmt.Sprintf("%s=%s/%s", r.Name, phases[1+2*i], phases[2+2*i]))
	}
	return strings.Join(words, " ")
}

// wait returns once the state is as wanted.
func (p *play) wait(want string) {
	p.Helper()
	deadline := time.After(enough)
	for show(p.engine.Snapshot()) != want {
		select {
		case <-p.changed:
		case <-deadline:
			p.Fatalf("state is %s, want %s\n%s", show(p.engine.Snapshot()), want, p.log())
		}
	}
}

// until returns once a condition is met.
func (p *play) until(what string, met func() bool) {
	p.Helper()
	deadline := time.Now().Add(enough)
	for !met() {
		if time.Now().After(deadline) {
			p.Fatalf("waited too long for %s: %s\n%s", what, show(p.engine.Snapshot()), p.log())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// runtime is the state of a resource's runtime.
func (p *play) runtime(name string) engine.Running {
	for _, r := range p.engine.Snapshot().Resources {
		if r.Name == name && r.Runtime.Running != nil {
			return *r.Runtime.Running
		}
	}
	return engine.Running{}
}

func (p *play) detail(name string) string {
	for _, r := range p.engine.Snapshot().Resources {
		if r.Name == name {
			return r.Runtime.Detail
		}
	}
	return ""
}

func (p *play) updateError(name string) string {
	for _, r := range p.engine.Snapshot().Resources {
		if r.Name == name && r.Update.Last != nil {
			return r.Update.Last.Error
		}
	}
	return ""
}

// log is all that was logged.
func (p *play) log() string {
	var out bytes.Buffer
	for batch := range p.logs.Read(p.Context(), logs.Selection{Until: closed}) {
		for line := range batch.Lines() {
			fmt.Fprintf(&out, "%s | %s\n", line.Source, line.Text)
		}
	}
	return out.String()
}

func (p *play) logged(wants ...string) {
	p.Helper()
	text := p.log()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			p.Errorf("%q isn't in\n%s", want, text)
		}
	}
}
