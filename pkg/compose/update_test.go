// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// stage is a Runner with a scripted docker and a fake engine.
type stage struct {
	*testing.T
	runner  *Runner
	dir     string
	environ []string
	logs    *logs.Store
	project *model.ComposeProject
}

// newStage returns a stage whose docker does what a script says. Its calls are in the file "calls".
func newStage(t *testing.T, script string, options Options) *stage {
	t.Helper()
	s := &stage{T: t, dir: t.TempDir(), logs: logs.New(1<<20, clock.RealClock{})}
	s.project = &model.ComposeProject{Name: "p", Directory: s.dir, Files: []string{filepath.Join(s.dir, "compose.yaml")}}
	text := "#!/bin/sh\ncase \"$*\" in 'compose version --short') echo ${VERSION-2.26.1}; exit;; esac\n" +
		"echo \"$*\" >>\"$CALLS\"\n" + script
	if err := os.WriteFile(filepath.Join(s.dir, "docker"), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	socket, err := os.MkdirTemp("", "fake")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(socket, "s") // A path of a socket must be short.
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	fake := newFakeEngine()
	fake.broken = make(chan struct{})
	server := &http.Server{Handler: fake}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	processes, err := process.New(process.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.environ = []string{
		"PATH=" + s.dir + ":" + os.Getenv("PATH"), "CALLS=" + s.calls(), "DOCKER_HOST=unix://" + path, "FORCE_COLOR=1",
	}
	options.Start, options.Projects, options.Log = processes.Start, &Projects{}, engine.NewLog(s.logs, "all")
	s.runner = New(options)
	t.Cleanup(func() {
		s.runner.Close(t.Context())
		_ = server.Close()
		serving.Wait()
		if err := processes.Close(); err != nil {
			t.Error(err)
		}
		_ = os.RemoveAll(socket)
	})
	return s
}

func (s *stage) calls() string { return filepath.Join(s.dir, "calls") }

// start begins the update of a service.
func (s *stage) start(service string, changes ...func(*engine.UpdateRequest, *model.ComposeUp)) engine.Activity {
	s.Helper()
	up := &model.ComposeUp{Resource: service, Service: service, Project: s.project}
	request := engine.UpdateRequest{
		Task: service, Update: up, Environ: s.environ, Log: engine.NewLog(s.logs, service),
	}
	for _, change := range changes {
		change(&request, up)
	}
	a, err := s.runner.StartUpdate(request)
	if err != nil {
		s.Fatal(err)
	}
	return a
}

// end waits for the end of an update.
func (s *stage) end(a engine.Activity) engine.End {
	s.Helper()
	select {
	case <-a.Done():
	case <-time.After(time.Minute):
		s.Fatal("the update doesn't end")
	}
	return a.End()
}

// wantCalls checks the calls of docker, without the directory.
func (s *stage) wantCalls(want ...string) {
	s.Helper()
	data, err := os.ReadFile(s.calls())
	if err != nil {
		s.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(data), s.dir, "DIR")), "\n")
	const prefix = "compose --project-name p --project-directory DIR -f DIR/compose.yaml "
	for i := range want {
		want[i] = prefix + want[i]
	}
	if !slices.Equal(got, want) {
		s.Errorf("calls\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestCalls has the exact calls, since other programs read them.
func TestCalls(t *testing.T) {
	s := newStage(t, `case "$*" in *' - '*) cat; esac; echo "$COMPOSE_ANSI $COMPOSE_PROGRESS [$FORCE_COLOR]"`, Options{})
	for _, a := range []engine.Activity{
		s.start("plain"),
		s.start("again", func(r *engine.UpdateRequest, _ *model.ComposeUp) { r.Requested = true }),
		s.start("built", func(_ *engine.UpdateRequest, up *model.ComposeUp) { up.Builds = true }),
		s.start("image", func(r *engine.UpdateRequest, up *model.ComposeUp) {
			up.Image, r.Images = "mine", map[string]model.BuiltImage{"mine": {Ref: "mine:tilt-1"}}
		}),
	} {
		if end := s.end(a); end.Error != "" {
			t.Error(end.Error)
		}
		if tail := s.logs.Tail("image", 9); len(tail) > 0 &&
			tail[1].Text != `{"services":{"image":{"image":"mine:tilt-1","pull_policy":"missing"}}}never plain []` {
			t.Errorf("%v", tail)
		}
	}
	data, err := os.ReadFile(s.calls())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	slices.Sort(lines)
	if err := os.WriteFile(s.calls(), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	s.wantCalls("-f - up -d --no-deps --no-build image", "build built", "up -d --no-deps --no-build --force-recreate again",
		"up -d --no-deps --no-build built", "up -d --no-deps --no-build plain")
}

// TestOneAtATime: services of a project come up one after the other, in the order in which they are due.
func TestOneAtATime(t *testing.T) {
	s := newStage(t, `mkdir "$CALLS.turn" || exit 9; sleep 0.02; rmdir "$CALLS.turn"`, Options{})
	s.project.Wait = true
	var updates []engine.Activity
	for i := range 5 {
		updates = append(updates, s.start(fmt.Sprint("s", i)))
	}
	for _, a := range updates {
		if end := s.end(a); end.Error != "" {
			t.Error(end.Error)
		}
	}
	data, err := os.ReadFile(s.calls())
	if err != nil || strings.Count(string(data), " up -d --no-deps --no-build --wait s") != 5 {
		t.Errorf("%v %s", err, data)
	}
}

// TestFailures has what the commands may do wrong.
func TestFailures(t *testing.T) {
	for name, test := range map[string]struct {
		script string
		env    string
		code   int
		want   string
	}{
		"reason": {"echo pulling; echo 'Error response from daemon: no space left' >&2; echo; exit 17", "", 17, "no space left"},
		"silent": {"exit 4", "", 4, "exit status 4"},
		"signal": {"kill -9 $$", "", 0, "signal: killed"},
		"long":   {"head -c 100000 /dev/zero | tr '\\0' x; exit 1", "", 1, strings.Repeat("x", longestReason)},
		"version": {"", "VERSION=1.29.2", 0, "'docker compose' has version 1.29.2, and at least 2.2 is needed: install Docker " +
			"Compose v2, see https://docs.docker.com/compose/install, or set TILT_DOCKER_COMPOSE_CMD"},
		"other command": {"", commandVariable + "=missing", 0, "'missing' can't be run: missing isn't in the PATH; " +
			"install Docker Compose v2 or set TILT_DOCKER_COMPOSE_CMD"},
		"engine": {"", "DOCKER_HOST=unix:///does/not/exist", 0, "docker engine at unix:///does/not/exist can't be reached: " +
			"dial unix /does/not/exist: connect: no such file or directory"},
		"host": {"", "DOCKER_HOST=elsewhere", 0,
			`docker host "elsewhere" isn't an address such as unix:///var/run/docker.sock or tcp://localhost:2375`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, test.script, Options{CI: true})
			s.environ = process.MergeEnv(s.environ, []string{test.env})
			end := s.end(s.start("web"))
			code := 0
			if end.Code != nil {
				code = *end.Code
			}
			if end.Error != test.want || code != test.code {
				t.Errorf("code %d, error %q, want %q", code, end.Error, test.want)
			}
		})
	}
}

// TestStubborn: a command that ignores TERM is killed when the grace is over, and nothing follows it.
func TestStubborn(t *testing.T) {
	s := newStage(t, "trap '' TERM; echo begun; while :; do sleep 0.01; done", Options{})
	a := s.start("web", func(_ *engine.UpdateRequest, up *model.ComposeUp) { up.Builds = true })
	for len(s.logs.Tail("web", 5)) < 2 {
		time.Sleep(time.Millisecond)
	}
	a.Stop(50 * time.Millisecond)
	if end := s.end(a); end.Error == "" {
		t.Error("no error")
	}
	s.wantCalls("build web")
}
