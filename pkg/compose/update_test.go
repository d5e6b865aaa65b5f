// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
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
	engine  *fakeEngine
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
	socket, err := os.MkdirTemp("", "fake") //nolint:usetesting // A path of a socket must be short.
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(socket, "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	fake := newFakeEngine()
	fake.broken, s.engine = make(chan struct{}), fake
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
	type change = func(*engine.UpdateRequest, *model.ComposeUp)
	for _, service := range []struct {
		name   string
		change change
	}{
		{"plain", func(*engine.UpdateRequest, *model.ComposeUp) {}},
		{"again", func(r *engine.UpdateRequest, _ *model.ComposeUp) { r.Requested = true }},
		{"built", func(_ *engine.UpdateRequest, up *model.ComposeUp) { up.Builds = true }},
		{"image", func(r *engine.UpdateRequest, up *model.ComposeUp) {
			up.Image, r.Images = "mine", map[string]model.BuiltImage{"mine": {Ref: "mine:tilt-1"}}
		}},
	} {
		if end := s.end(s.start(service.name, service.change)); end.Error != "" {
			t.Error(end.Error)
		}
	}
	s.wantCalls("up -d --no-deps --no-build plain", "up -d --no-deps --no-build --force-recreate again", "build built",
		"up -d --no-deps --no-build built", "-f - up -d --no-deps --no-build image")
	tail := s.logs.Tail("image", 9)
	if want := `{"services":{"image":{"image":"mine:tilt-1","pull_policy":"missing"}}}never plain []`; len(tail) != 2 ||
		tail[1].Text != want {
		t.Errorf("%v", tail)
	}
}

// TestTogether: a project has one call at a time, services that are due meanwhile come up together, each with its own
// lines, and only that which is to blame fails.
func TestTogether(t *testing.T) {
	s := newStage(t, `mkdir "$CALLS.turn" || exit 9
sleep 0.05
for service in "$@"; do echo " Container p-$service-1  Started"; echo " $service Pulled"; done
rmdir "$CALLS.turn"
case "$*" in *bad*) echo "no such image"; exit 1; esac
`, Options{})
	wait := func(_ *engine.UpdateRequest, up *model.ComposeUp) { up.Wait = true }
	var updates []engine.Activity
	names := []string{"s0", "s1", "bad", "s3", "s4"}
	for _, name := range names {
		updates = append(updates, s.start(name, wait))
	}
	for i, a := range updates {
		end := s.end(a)
		if bad := names[i] == "bad"; bad != (end.Error == "no such image") || !bad && end.Error != "" {
			t.Errorf("%s: %q", names[i], end.Error)
		}
		if tail := s.logs.Tail(names[i], 20); !slices.ContainsFunc(tail, func(l logs.Line) bool {
			return l.Text == " "+names[i]+" Pulled"
		}) {
			t.Errorf("%s has no lines of its own: %v", names[i], tail)
		} else if last := tail[len(tail)-1].Text; names[i] == "bad" && last != "no such image" {
			t.Errorf("the log of %s ends with %q", names[i], last)
		}
	}
	data, err := os.ReadFile(s.calls())
	if err != nil || strings.Count(string(data), "\n") > 2+len(names) {
		t.Errorf("%v %s", err, data)
	}
}

// TestTogetherStopped: the end of the update that leads doesn't end the others.
func TestTogetherStopped(t *testing.T) {
	s := newStage(t, `case "$*" in *"first second"|*"second first") echo begun; sleep 60; esac`, Options{})
	first, second := s.start("first"), s.start("second")
	for len(s.logs.Tail("first", 5)) < 2 && len(s.logs.Tail("second", 5)) < 2 {
		select {
		case <-first.Done():
			return // They didn't meet.
		case <-time.After(time.Millisecond):
		}
	}
	leads, other := first, second
	if len(s.logs.Tail("second", 5)) == 2 {
		leads, other = second, first
	}
	leads.Stop(time.Second)
	if end := s.end(leads); end.Error == "" {
		t.Error("no error")
	}
	if end := s.end(other); end.Error != "" {
		t.Error(end.Error)
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
		"context": {"echo 'context \"gone\" does not exist' >&2; exit 1", "DOCKER_HOST=", 0, "find the engine of the Docker " +
			`context: context "gone" does not exist; mend the context or set DOCKER_HOST`},
		"silent context": {"exec sleep 60", "DOCKER_HOST=", 0, "find the engine of the Docker context: no answer in 1s; " +
			"mend the context or set DOCKER_HOST"},
		"tunnel": {"echo 'Permission denied (publickey).' >&2; exit 255", "DOCKER_HOST=ssh://elsewhere", 0,
			"docker engine at ssh://elsewhere can't be reached: docker system dial-stdio: Permission denied (publickey)."},
		"host": {"", "DOCKER_HOST=elsewhere", 0,
			`docker host "elsewhere" isn't an address such as unix:///var/run/docker.sock or tcp://localhost:2375`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, test.script, Options{CI: true})
			s.runner.limit = time.Second
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
