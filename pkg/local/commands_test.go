// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package local_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/local"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/probe"
	"tilt.dev/session/pkg/process"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// session is an engine with real processes in a directory of its own.
type session struct {
	t      *testing.T
	dir    string
	logs   *logs.Store
	engine *engine.Engine
	// changed holds a value after a new snapshot.
	changed chan struct{}
	cancel  context.CancelFunc
	ended   chan struct{}
}

// loaded is a Tiltfile that was evaluated before.
type loaded model.Project

var _ engine.Loader = loaded{}

func (l loaded) Load(context.Context, engine.LoadInput) (model.Project, error) {
	return model.Project(l), nil
}

// begin runs a project, whose commands run in the directory of the session.
func begin(t *testing.T, grace time.Duration, resources ...model.Resource) *session {
	s := &session{
		t: t, dir: t.TempDir(), changed: make(chan struct{}, 1), ended: make(chan struct{}),
		logs: logs.New(16<<20, clock.RealClock{}),
	}
	for _, r := range resources {
		if update, ok := r.Update.(*model.Command); ok {
			update.Dir = s.dir
		}
		if server, ok := r.Runtime.(*model.Server); ok {
			server.Command.Dir = s.dir
		}
	}
	runner, err := process.New(process.Options{})
	if err != nil {
		t.Fatal(err)
	}
	commands := &local.Commands{Start: runner.Start, Prober: &probe.Prober{
		Start: runner.Start, Dir: s.dir, Env: os.Environ(), Clock: clock.RealClock{},
	}}
	s.engine = engine.New(engine.Config{
		Tiltfile:  filepath.Join(s.dir, "Tiltfile"),
		Load:      loaded(projectOf(resources...)),
		Updates:   commands,
		Runtimes:  impatient{commands},
		Logs:      s.logs,
		Environ:   os.Environ(),
		KillGrace: grace,
		OnChange: func(*engine.Snapshot) {
			select {
			case s.changed <- struct{}{}:
			default:
			}
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	s.cancel = cancel
	go func() {
		defer close(s.ended)
		if err := s.engine.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		s.end()
		if err := runner.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// impatient gives servers that ignore TERM a short grace; the others have the whole grace.
type impatient struct{ engine.Runner }

func (i impatient) StartRuntime(request engine.RuntimeRequest) (engine.Runtime, error) {
	started, err := i.Runner.StartRuntime(request)
	if err == nil && strings.Contains(request.Runtime.String(), `trap "" TERM`) {
		return stubborn{started}, nil
	}
	return started, err
}

type stubborn struct{ engine.Runtime }

func (s stubborn) Stop(grace time.Duration) { s.Runtime.Stop(min(grace, time.Millisecond)) }

// end tears the run down.
func (s *session) end() {
	s.cancel()
	<-s.ended
}

// waitFor returns once a condition is met that no snapshot shows.
func (s *session) waitFor(what string, met func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	for !met() {
		if time.Now().After(deadline) {
			s.t.Fatalf("waited too long for %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// wait returns once the state is as wanted.
func (s *session) wait(want string) {
	s.t.Helper()
	deadline := time.After(patience)
	for show(s.engine.Snapshot()) != want {
		select {
		case <-s.changed:
		case <-deadline:
			s.t.Fatalf("state is %s, want %s", show(s.engine.Snapshot()), want)
		}
	}
}

// lines are those of a file in the session's directory.
func (s *session) lines(name string) []string {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Fields(string(data))
}

type option func(*model.Resource)

func script(name, cmd string, options ...option) model.Resource {
	return resourceOf(name, append(options, func(r *model.Resource) { r.Update = model.ShellCommand(cmd) }))
}

func daemon(name, cmd string, options ...option) model.Resource {
	return resourceOf(name, append(options, func(r *model.Resource) {
		r.Runtime = &model.Server{Command: *model.ShellCommand(cmd)}
	}))
}

func resourceOf(name string, options []option) model.Resource {
	r := model.Resource{Name: name, AutoInit: true}
	for _, o := range options {
		o(&r)
	}
	return r
}

func parallel(r *model.Resource) { r.AllowParallel = true }

func after(deps ...string) option {
	return func(r *model.Resource) { r.ResourceDeps = deps }
}

// projectOf is a project of enabled resources with three slots.
func projectOf(resources ...model.Resource) model.Project {
	return model.Project{Resources: resources, Enabled: model.Selection{All: true}, MaxParallelUpdates: 3}
}

// show writes a snapshot as words of target and state.
func show(s *engine.Snapshot) string {
	var words []string
	for _, r := range s.Resources {
		if r.Update != nil {
			words = append(words, r.Name+"="+showUpdate(r))
		}
		if r.Runtime != nil {
			words = append(words, r.Name+":serve="+showServer(r))
		}
	}
	return strings.Join(words, " ")
}

func showUpdate(r engine.ResourceState) string {
	switch u := r.Update; {
	case r.Disabled:
		return "disabled"
	case !u.Running.IsZero():
		return "active"
	case u.Last == nil:
		return "waiting"
	case u.Last.Error != "":
		return "failed"
	}
	return "ok"
}

func showServer(r engine.ResourceState) string {
	switch s := r.Runtime; {
	case r.Disabled:
		return "disabled"
	case s.Exit != nil:
		return "failed"
	case s.Running == nil:
		return "waiting"
	case s.Running.Phase == engine.Ready:
		return "ready"
	}
	return "active"
}

func TestChain(t *testing.T) {
	const length = 50
	var chain []model.Resource
	var want, states []string
	for i := range length {
		name := fmt.Sprintf("j%d", i)
		r := script(name, "echo "+name+" >>trace", parallel)
		if i > 0 {
			r.ResourceDeps = []string{fmt.Sprintf("j%d", i-1)}
		}
		chain = append(chain, r)
		want = append(want, name)
		states = append(states, name+"=ok")
	}
	slices.Reverse(chain)
	slices.Reverse(states)
	s := begin(t, time.Second, chain...)
	s.wait(strings.Join(states, " "))
	if diff := cmp.Diff(want, s.lines("trace")); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestParallelProcesses(t *testing.T) {
	meet := func(name string) model.Resource {
		return script(name, "touch "+name+"; until [ -e a ] && [ -e b ] && [ -e c ]; do sleep 0.01; done", parallel)
	}
	// Each of them fails when another one runs at the same time.
	alone := func(name string) model.Resource {
		return script(name, "mkdir lock && sleep 0.02 && rmdir lock")
	}
	s := begin(t, time.Second, meet("a"), alone("x"), meet("b"), alone("y"), meet("c"), alone("z"))
	s.wait("a=ok x=ok b=ok y=ok c=ok z=ok")
}

func TestOutputIsCompleteAtTheEnd(t *testing.T) {
	s := begin(t, time.Second, script("a", `i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; printf end; exit 3`))
	s.wait("a=failed")
	lines := s.logs.Tail("a", 10000)
	// A blank line, the header, the command, the output and the failure.
	if want := 3 + 2001 + 1; len(lines) != want {
		t.Errorf("%d lines, want %d", len(lines), want)
	}
	if got := lines[len(lines)-2].Text; got != "end" {
		t.Errorf("the last line of the command is %q", got)
	}
}

func TestRealExits(t *testing.T) {
	nope := script("e", "true", parallel)
	nope.Update = &model.Command{Argv: []string{"no-such-command"}}
	s := begin(t, time.Second,
		script("a", "exit 4", parallel), script("b", "kill -9 $$", parallel), nope,
		daemon("c", "exit 3"), daemon("d", "kill -15 $$"))
	s.wait("a=failed b=failed e=failed c:serve=failed d:serve=failed")
	var got []string
	for _, r := range s.engine.Snapshot().Resources {
		if r.Update != nil {
			got = append(got, r.Update.Last.Error)
			continue
		}
		// The second word is the process.
		words := strings.Fields(r.Runtime.Exit.Error)
		got = append(got, strings.Join(slices.Delete(words, 1, 2), " "))
	}
	want := []string{
		`Command "exit 4" failed: exit status 4`,
		`Command "kill -9 $$" failed: signal: killed`,
		`Command "no-such-command" failed: failed to start: exec: "no-such-command": executable file not found in $PATH`,
		"Process exited with code 3",
		"Process was killed by signal: terminated",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestRealReadiness(t *testing.T) {
	server := daemon("s", "touch up; exec sleep 300")
	server.Runtime.(*model.Server).Readiness = &model.Probe{
		Period: 10 * time.Millisecond, Timeout: 10 * time.Second, SuccessThreshold: 1, FailureThreshold: 1,
		Exec: &model.ExecAction{Argv: []string{"test", "-e", "up"}},
	}
	s := begin(t, time.Second, server, script("j", "rm up", after("s")))
	s.wait("s:serve=active j=ok")
}

func TestRealTeardown(t *testing.T) {
	s := begin(t, patience,
		script("pipe", "mkfifo alive"),
		daemon("willing", `exec 9<>alive; trap "echo down >>trace; exit 0" TERM; touch w; while :; do sleep 0.01; done`, after("pipe")),
		daemon("stubborn", `exec 9<>alive; trap "" TERM; sleep 300 & touch s; while :; do sleep 0.01; done`, after("pipe")),
		script("job", "exec 9<>alive; until [ -e w ] && [ -e s ]; do sleep 0.01; done; touch ready; exec sleep 300",
			parallel, after("pipe")),
		script("wait", "until [ -e ready ]; do sleep 0.01; done", parallel, after("pipe")))
	s.wait("pipe=ok willing:serve=ready stubborn:serve=ready job=active wait=ok")
	last := s.engine.Snapshot()
	alive, err := os.OpenFile(filepath.Join(s.dir, "alive"), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	s.end()
	if s.engine.Snapshot() != last {
		t.Errorf("published after the end: %s", show(s.engine.Snapshot()))
	}
	if diff := cmp.Diff([]string{"down"}, s.lines("trace")); diff != "" {
		t.Errorf("what was asked to end (-want +got):\n%s", diff)
	}
	// Each process of the run has the pipe open for writing, so it ends when none is left.
	if err := alive.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := alive.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("processes are left: %v", err)
	}
}

func TestRealReplacement(t *testing.T) {
	s := begin(t, patience,
		daemon("s", `trap "echo down >>trace; exit 0" TERM; echo up >>trace; while :; do sleep 0.01; done`),
		script("j", "until [ -e trace ]; do sleep 0.01; done", after("s")))
	s.wait("s:serve=ready j=ok")
	if err := s.engine.Trigger(t.Context(), []string{"s"}); err != nil {
		t.Fatal(err)
	}
	s.waitFor("the second server", func() bool { return len(s.lines("trace")) == 3 })
	if _, err := s.engine.Disable(t.Context(), engine.Selector{All: true}); err != nil {
		t.Fatal(err)
	}
	s.wait("s:serve=disabled j=disabled")
	s.waitFor("its end", func() bool { return len(s.lines("trace")) == 4 })
	if diff := cmp.Diff([]string{"up", "down", "up", "down"}, s.lines("trace")); diff != "" {
		t.Errorf("trace (-want +got):\n%s", diff)
	}
}

func TestRealTimeoutsAndRetries(t *testing.T) {
	slow := script("slow", "sleep 300 & wait")
	slow.Timeout, slow.Retries = 50*time.Millisecond, 1
	s := begin(t, time.Second, slow)
	s.wait("slow=failed")
	last := s.engine.Snapshot().Resources[0].Update.Last
	if want := `Command "sleep 300 & wait" failed: timed out after 50ms`; last.Error != want || last.Signal != "terminated" {
		t.Errorf("ended: %+v", last)
	}
	// The shell may have been stopped before it came to say so.
	tries := 0
	for _, line := range s.logs.Tail("slow", 100) {
		if strings.HasPrefix(line.Text, "Running cmd: ") {
			tries++
		}
	}
	if tries != 2 {
		t.Errorf("tried %d times", tries)
	}
}
