// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"tilt.dev/session/pkg/process"
	"tilt.dev/session/pkg/tiltfile"
)

// localGrace is how long a command of local() may take to end after SIGTERM.
// What it was to tell the Tiltfile isn't wanted any more.
const localGrace = time.Second

// localCommands runs what a Tiltfile calls with local().
type localCommands struct {
	processes *process.Runner
	// environ is added to the environment where that doesn't say other.
	environ []string
}

var _ tiltfile.Runner = localCommands{}

func (l localCommands) Run(ctx context.Context, command tiltfile.Command) error {
	spec := process.Spec{
		Argv:   command.Argv,
		Dir:    command.Dir,
		Env:    process.MergeEnv(l.environ, command.Env),
		Output: command.Stdout,
		Stderr: command.Stderr,
	}
	if command.Stdin != "" {
		stdin, err := newInput(command.Stdin)
		if err != nil {
			return err
		}
		defer stdin.close()
		spec.Stdin = stdin.readEnd
	}
	p, err := l.processes.Start(spec)
	if err != nil {
		return err
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		p.Stop(localGrace)
		<-p.Done()
		return ctx.Err()
	}
	if exit := p.Exit(); exit.Code != 0 {
		return errors.New(exit.String())
	}
	return nil
}

// input is a text that a command can read from a pipe.
type input struct {
	readEnd, writeEnd *os.File
	written           chan struct{}
}

func newInput(text string) (*input, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	in := &input{readEnd: r, writeEnd: w, written: make(chan struct{})}
	go func() {
		defer close(in.written)
		// A command needn't read all of it.
		_, _ = io.WriteString(w, text)
		_ = w.Close()
	}()
	return in, nil
}

// close ends the writer, which would wait for what the command has left running
// with the pipe open, and waits for its end.
func (in *input) close() {
	_ = in.readEnd.Close()
	_ = in.writeEnd.Close()
	<-in.written
}
