// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"tilt.dev/session/pkg/process"
	"tilt.dev/session/pkg/tiltfile"
)

// localGrace is how long a command of local() may take to end after SIGTERM. The
// evaluation that waits for its output has been cancelled by then.
const localGrace = time.Second

// localCommands runs what a Tiltfile calls with local().
type localCommands struct {
	processes *process.Runner
	// environ has defaults of environment variables.
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
		stdin, end, err := newInput(command.Stdin)
		if err != nil {
			return err
		}
		defer end()
		spec.Stdin = stdin
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

// newInput returns a pipe from which a command reads a text. end stops the writer and waits for it. Without that it
// would go on for as long as a process that the command left running has the pipe open.
func newInput(text string) (readEnd *os.File, end func(), err error) {
	readEnd, writeEnd, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		// An error means that the command hasn't read all of it, which is its choice.
		_, _ = io.WriteString(writeEnd, text)
		_ = writeEnd.Close()
	})
	return readEnd, func() {
		_ = readEnd.Close()
		_ = writeEnd.Close()
		writing.Wait()
	}, nil
}
