// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// marker is the variable by which the processes of a run are found.
const marker = "SOAK_RUN"

// endTimeout is how long a run may take to end after its last signal, or without
// one. Its own limit is shorter.
const endTimeout = time.Minute

// run is one execution of a random Tiltfile, with a home of its own.
type run struct {
	bin      string
	seed     uint64
	dir      string
	plan     plan
	tiltfile string
	// end is how the program ended.
	end string
}

func newRun(bin, dir string, seed uint64) *run {
	r := rand.New(rand.NewPCG(seed, 0))
	return &run{
		bin:      bin,
		seed:     seed,
		dir:      filepath.Join(dir, strconv.FormatUint(seed, 10)),
		plan:     newPlan(r),
		tiltfile: newTiltfile(r),
	}
}

func (r *run) String() string { return r.plan.String() }

func (r *run) path(elem ...string) string {
	return filepath.Join(append([]string{r.dir}, elem...)...)
}

// execute does what's planned and returns what it left behind, or what else was
// wrong with it. The error is about the soak itself.
func (r *run) execute(ctx context.Context) (violations []string, err error) {
	for _, dir := range []string{"home", "tmp", "ports", "files"} {
		if err := os.MkdirAll(r.path(dir), 0o755); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(r.path("Tiltfile"), []byte(r.tiltfile), 0o644); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.killLeft()) }()
	ended, violation, err := r.start(ctx, r.plan)
	if err != nil {
		return nil, err
	}
	if violation != "" {
		violations = append(violations, violation)
	}
	violations = append(violations, r.left()...)
	if !ended || !r.plan.killed() {
		return violations, nil
	}
	// What a killed run couldn't take from the kubeconfig, the next one does.
	if err := os.WriteFile(r.path("Tiltfile"), []byte("local_resource('a', 'true')\n"), 0o644); err != nil {
		return violations, err
	}
	_, violation, err = r.start(ctx, plan{command: "ci", stdout: "file"})
	if violation != "" {
		violations = append(violations, "after it "+violation)
	}
	return append(violations, r.leftEntries()...), err
}

// start runs the program as planned until it has ended.
func (r *run) start(ctx context.Context, p plan) (ended bool, violation string, err error) {
	self, err := os.Executable()
	if err != nil {
		return false, "", err
	}
	stderr, err := os.Create(r.path("stderr"))
	if err != nil {
		return false, "", err
	}
	defer stderr.Close()
	stdout, err := r.openStdout(p)
	if err != nil {
		return false, "", err
	}
	defer stdout.Close()
	cmd := exec.CommandContext(ctx, r.bin, p.command, "--file", r.path("Tiltfile"), "--port", "0", "--kill-grace", p.grace.String())
	if p.command == "ci" {
		cmd.Args = append(cmd.Args, "--timeout", "2s")
	}
	cmd.Dir = r.dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "KUBECONFIG=") || strings.HasPrefix(entry, "TILT_")
	}), "HOME="+r.path("home"), "TMPDIR="+r.path("tmp"), marker+"="+r.dir, serverVariable+"="+self, portsVariable+"="+r.path("ports"))
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		return false, "", err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for i, signal := range p.signals {
		if i == 0 && !p.early {
			r.awaitServer()
		}
		select {
		case <-time.After(p.pauses[i]):
		case err := <-done:
			return true, r.judge(p, err), ctx.Err()
		}
		// It may have ended just now.
		_ = cmd.Process.Signal(signal)
	}
	select {
	case err := <-done:
		return true, r.judge(p, err), ctx.Err()
	case <-time.After(endTimeout):
		_ = cmd.Process.Kill()
		<-done
		return false, fmt.Sprintf("didn't end within %s", endTimeout), nil
	}
}

// awaitServer returns when the server is known, or after a while.
func (r *run) awaitServer() {
	for deadline := time.Now().Add(endTimeout / 6); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, err := os.Stat(r.path("home", ".tilt-dev", "config")); err == nil {
			return
		}
	}
}

// openStdout returns what the program is to write to.
func (r *run) openStdout(p plan) (*os.File, error) {
	switch p.stdout {
	case "full":
		return os.OpenFile("/dev/full", os.O_WRONLY, 0)
	case "closed":
		reader, writer, err := os.Pipe()
		if err == nil {
			err = reader.Close()
		}
		return writer, err
	default:
		return os.Create(r.path("stdout"))
	}
}

// judge returns what's wrong with the way in which the program ended, empty if
// nothing is.
func (r *run) judge(p plan, end error) string {
	text, err := os.ReadFile(r.path("stderr"))
	if err != nil {
		return err.Error()
	}
	for _, word := range []string{"panic:", "fatal error:", "DATA RACE", "goroutine 1 ["} {
		if strings.Contains(string(text), word) && !strings.Contains(string(text), "SIGQUIT") {
			return fmt.Sprintf("printed %s", text)
		}
	}
	if r.end == "" {
		r.end = "exit status 0"
		if end != nil {
			r.end = end.Error()
		}
	}
	var exit *exec.ExitError
	if !errors.As(end, &exit) || p.killed() {
		return ""
	}
	// A signal that comes before there's anything to end does what it always does.
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() && slices.Contains(p.signals, status.Signal()) {
		return ""
	}
	// A signal is how "up" is meant to end, so that it has failed only if nobody
	// could read what it printed.
	failed := p.command == "up" && p.stdout == "file"
	if code := exit.ExitCode(); !slices.Contains([]int{1, 2, 3, 129, 130, 143}, code) || code == 1 && failed {
		return fmt.Sprintf("ended with %s and printed %s", exit, text)
	}
	return ""
}
