// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package runner runs one machine's share of Sessions as a process: tilt-session runner.
package runner

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a process may take to register or to drain.
const patience = 2 * time.Minute

// Runner is a process. It ends with the test at the latest.
type Runner struct {
	t       testing.TB
	command *exec.Cmd
	printed output
	ended   bool
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

// Start runs a program as "runner" with arguments, and returns when it has registered.
func Start(t testing.TB, program string, arguments ...string) *Runner {
	t.Helper()
	r := &Runner{t: t, command: exec.Command(program, append([]string{
		"runner", "--health-bind-address=127.0.0.1:0"}, arguments...)...)}
	home := t.TempDir()
	r.command.Env = append(os.Environ(), "HOME="+home, "XDG_STATE_HOME="+home+"/state")
	r.command.Stdout, r.command.Stderr = &r.printed, &r.printed
	if err := r.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !r.ended {
			r.Kill()
		}
	})
	for began := time.Now(); !strings.Contains(r.Printed(), " is runner "); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("the runner hasn't registered:\n%s", r.Printed())
		}
	}
	return r
}

// Printed is what it has printed so far.
func (r *Runner) Printed() string { return r.printed.String() }

// Freeze stops the process without ending it, Thaw continues it.
func (r *Runner) Freeze() { r.signal(syscall.SIGSTOP) }

// Thaw continues the process.
func (r *Runner) Thaw() { r.signal(syscall.SIGCONT) }

// Drain asks the process to end and waits until it has, in good order.
func (r *Runner) Drain() {
	r.t.Helper()
	r.signal(syscall.SIGTERM)
	late := time.AfterFunc(patience, func() { _ = r.command.Process.Signal(syscall.SIGABRT) })
	defer late.Stop()
	r.ended = true
	if err := r.command.Wait(); err != nil {
		r.t.Errorf("the runner has ended with %v:\n%s", err, r.Printed())
	}
}

// Kill ends the process at once.
func (r *Runner) Kill() {
	r.t.Helper()
	r.signal(syscall.SIGKILL)
	r.ended = true
	_ = r.command.Wait()
}

func (r *Runner) signal(signal os.Signal) {
	r.t.Helper()
	if err := r.command.Process.Signal(signal); err != nil {
		r.t.Errorf("%v to a runner: %v", signal, err)
	}
}
