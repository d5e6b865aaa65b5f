// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package child runs the programs that a benchmark measures. Each has a process
// group of its own, so that a signal from the terminal reaches the benchmark
// alone, which ends its programs in order and waits for them.
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// grace is how long a program may take to end after SIGTERM before it is killed.
const grace = 30 * time.Second

// Command says what to run.
type Command struct {
	// Args are the program and its arguments.
	Args []string
	// Dir is the working directory.
	Dir string
	// Env are variables in addition to those of this process.
	Env []string
	// Input is a file for the standard input. If empty, that is a pipe which
	// closes when this process ends.
	Input string
	// Log is the file that the output goes to.
	Log string
}

// Process is a program that runs or has run. The goroutine that waits for it
// ends with the program.
type Process struct {
	command Command
	cmd     *exec.Cmd
	began   time.Time
	exited  chan struct{}
	// took and err are valid once exited is closed.
	took time.Duration
	err  error
}

// Start starts a program. The caller must call Stop or wait for Exited.
func Start(command Command) (*Process, error) {
	log, err := os.Create(command.Log)
	if err != nil {
		return nil, err
	}
	// The program has a descriptor of its own.
	defer func() { _ = log.Close() }()
	cmd := exec.Command(command.Args[0], command.Args[1:]...)
	cmd.Dir, cmd.Env = command.Dir, append(os.Environ(), command.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if command.Input == "" {
		if _, err := cmd.StdinPipe(); err != nil {
			return nil, err
		}
	} else {
		input, err := os.Open(command.Input)
		if err != nil {
			return nil, err
		}
		defer func() { _ = input.Close() }()
		cmd.Stdin = input
	}
	p := &Process{command: command, cmd: cmd, began: time.Now(), exited: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		p.took = time.Since(p.began)
		close(p.exited)
	}()
	return p, nil
}

// Pid is the process ID.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Exited is closed when the program has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Err says how the program failed, nil if it didn't. It must be called after
// Exited is closed.
func (p *Process) Err() error {
	if p.err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w\n%s", p.command.Args[0], p.err, p.lastOutput())
}

// Stop ends the program, if it hasn't ended, and waits for it.
func (p *Process) Stop() error {
	select {
	case <-p.exited:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	kill := time.AfterFunc(grace, func() { _ = syscall.Kill(-p.Pid(), syscall.SIGKILL) })
	defer kill.Stop()
	<-p.exited
	return p.Err()
}

// Usage is what a program has used.
type Usage struct {
	Wall, CPU time.Duration
	// PeakRSS is the largest resident set of the program or of one of the
	// processes that it has waited for, in bytes.
	PeakRSS int64
}

// Run runs a program to its end. When ctx is done first, it ends the program
// and returns the cause.
func Run(ctx context.Context, command Command) (Usage, error) {
	p, err := Start(command)
	if err != nil {
		return Usage{}, err
	}
	select {
	case <-p.exited:
	case <-ctx.Done():
		// How it ends doesn't matter any more.
		_ = p.Stop()
		return Usage{}, context.Cause(ctx)
	}
	state := p.cmd.ProcessState
	usage := Usage{Wall: p.took, CPU: state.UserTime() + state.SystemTime()}
	if rusage, ok := state.SysUsage().(*syscall.Rusage); ok {
		usage.PeakRSS = rusage.Maxrss << 10
	}
	return usage, p.Err()
}

// lastOutput returns the end of what the program has printed.
func (p *Process) lastOutput() string {
	const most = 4 << 10
	log, err := os.Open(p.command.Log)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = log.Close() }()
	if info, err := log.Stat(); err == nil && info.Size() > most {
		if _, err := log.Seek(-most, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	text, err := io.ReadAll(log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
