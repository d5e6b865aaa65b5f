// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// run is a tilt-session that runs a project, with its Session as kubectl shows it.
type run struct {
	*project
	process *exec.Cmd
	output  output
	// latest is the Session as it was watched last. changed has an element when it is another one.
	mu      sync.Mutex
	latest  v1alpha1.Session
	changed chan struct{}
	// watched is closed when the watch has ended, ended when the process has.
	watched, ended chan struct{}
}

// output is what a process has printed so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// up starts "tilt-session up".
func (p *project) up(arguments ...string) *run {
	p.Helper()
	return p.start(append([]string{"up"}, arguments...)...)
}

// ci runs "tilt-session ci" and returns when it has ended, with the last Session.
func (p *project) ci(arguments ...string) *run {
	p.Helper()
	r := p.start(append([]string{"ci", "--linger=1m"}, arguments...)...)
	r.await("the run is done", func(s v1alpha1.Session) bool { return s.Status.Done })
	r.signal(syscall.SIGTERM)
	return r
}

// start returns when the API of the run is up, and ends the run with the test.
func (p *project) start(arguments ...string) *run {
	p.Helper()
	r := &run{project: p, changed: make(chan struct{}, 1), watched: make(chan struct{}), ended: make(chan struct{})}
	r.process = p.command(p.Context(), *binary, append(arguments, "--port=0")...)
	r.process.Cancel = func() error { return r.process.Process.Signal(syscall.SIGTERM) }
	r.process.WaitDelay = 30 * time.Second
	r.process.Stdout, r.process.Stderr = &r.output, &r.output
	p.ok(r.process.Start())
	go func() {
		defer close(r.ended)
		_ = r.process.Wait() // The exit code is read from ProcessState.
	}()
	go func() {
		defer close(r.watched)
		r.watch()
	}()
	p.Cleanup(func() {
		// The test's context is over, so both end.
		<-r.watched
		<-r.ended
		if p.Failed() {
			p.Logf("tilt-session %s\n%s", strings.Join(arguments, " "), r.output.String())
		}
	})
	return r
}

// watch follows the Session until the process or the test ends.
func (r *run) watch() {
	name := ""
	for name == "" {
		select {
		case <-r.ended:
			return
		case <-time.After(20 * time.Millisecond):
		}
		if _, after, found := strings.Cut(r.output.String(), ", context "); found {
			name, _, _ = strings.Cut(after, " of ")
		}
	}
	config := ""
	for _, variable := range r.environ {
		if path, found := strings.CutPrefix(variable, "TILT_CONFIG="); found {
			config = path
		}
	}
	command := r.command(r.Context(), "kubectl", "--kubeconfig="+config, "--context="+name,
		"get", "session", "Tiltfile", "--watch", "--output=json")
	stdout, err := command.StdoutPipe()
	if err != nil || command.Start() != nil {
		return
	}
	defer command.Wait()
	for decoder := json.NewDecoder(stdout); ; {
		var session v1alpha1.Session
		if decoder.Decode(&session) != nil {
			return
		}
		r.mu.Lock()
		r.latest = session
		r.mu.Unlock()
		select {
		case r.changed <- struct{}{}:
		default:
		}
	}
}

// session returns the Session as it was watched last.
func (r *run) session() v1alpha1.Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.latest
}

// await waits until the Session is as wanted. A run that ends before fails the test.
func (r *run) await(what string, holds func(v1alpha1.Session) bool) {
	r.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for over := false; !holds(r.session()); {
		if over {
			r.Fatalf("the run ended before this: %s", what)
		}
		select {
		case <-r.changed:
		case <-r.watched:
			over = true
		case <-limit.C:
			r.Fatalf("after %s it isn't so that %s; the targets are\n%s", patience, what, r.targets())
		}
	}
}

// awaitReady waits until the targets are ready or have succeeded.
func (r *run) awaitReady(targets ...string) {
	r.Helper()
	r.await(strings.Join(targets, ", ")+" are ready", func(s v1alpha1.Session) bool {
		return !slices.ContainsFunc(targets, func(name string) bool { return !healthy(target(s, name)) })
	})
}

// awaitOutput waits until the run has printed a text.
func (r *run) awaitOutput(text string) {
	r.Helper()
	r.eventually("the run prints "+text, func() bool { return strings.Contains(r.output.String(), text) })
}

// target returns a target of the Session, and one without a state if there is none.
func target(s v1alpha1.Session, name string) v1alpha1.Target {
	for _, target := range s.Status.Targets {
		if target.Name == name {
			return target
		}
	}
	return v1alpha1.Target{}
}

func healthy(t v1alpha1.Target) bool {
	active, terminated := t.State.Active, t.State.Terminated
	return active != nil && active.Ready || terminated != nil && terminated.Error == ""
}

func (r *run) targets() string {
	text, err := json.MarshalIndent(r.session().Status.Targets, "", "  ")
	r.ok(err)
	return string(text)
}

// signal ends the run.
func (r *run) signal(signal syscall.Signal) {
	r.Helper()
	r.ok(r.process.Process.Signal(signal))
	r.wait()
}

// wait returns when the process has ended.
func (r *run) wait() {
	r.Helper()
	select {
	case <-r.ended:
	case <-time.After(patience):
		r.Fatal("the process doesn't end")
	}
}

// wantExit checks the exit code, the Session's error and what was printed.
func (r *run) wantExit(code int, texts ...string) {
	r.Helper()
	if got := r.process.ProcessState.ExitCode(); got != code {
		r.Errorf("exit code %d, want %d; the targets are\n%s", got, code, r.targets())
	}
	for _, text := range texts {
		if !strings.Contains(r.output.String(), text) {
			r.Errorf("the run doesn't print %q", text)
		}
	}
}

// wantError checks that a target failed, with all of these in its error.
func (r *run) wantError(name string, texts ...string) {
	r.Helper()
	terminated := target(r.session(), name).State.Terminated
	if terminated == nil || terminated.Error == "" {
		r.Errorf("%s hasn't failed; the targets are\n%s", name, r.targets())
		return
	}
	for _, text := range texts {
		if !strings.Contains(terminated.Error, text) {
			r.Errorf("%s: the error %q has no %q", name, terminated.Error, text)
		}
	}
}
