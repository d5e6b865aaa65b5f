// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/data"
)

// Runner runs a command to its end.
type Runner interface {
	// Run returns after the command and all processes of its group have ended, and its output was written. It ends
	// them when ctx is done. The error for a command that doesn't exit with 0 is like "exit status 3".
	Run(ctx context.Context, command Command) error
}

// Command is what local() runs.
type Command struct {
	// Argv is the program and its arguments, at least one.
	Argv []string
	// Dir is the absolute working directory.
	Dir string
	// Env is the complete environment.
	Env []string
	// Stdin is what the command can read.
	Stdin string
	// Stdout and Stderr get the output. They may be called at the same time.
	Stdout, Stderr io.Writer
}

// localParameters are the parameters of local.
type localParameters struct {
	Command    CommandLine `arg:"command"`
	Quiet      bool        `arg:"quiet??"`
	CommandBat CommandLine `arg:"command_bat??"`
	EchoOff    bool        `arg:"echo_off??"`
	Env        Environment `arg:"env??"`
	Dir        Path        `arg:"dir??"`
	Stdin      Text        `arg:"stdin??"`
}

// local is local(command, ...): it runs a command and returns its standard output.
func (v *Environ) local(a localParameters) (starlark.Value, error) {
	switch {
	case a.Command.Command == nil:
		return nil, errors.New("for parameter command: must not be empty")
	case v.evaluation.Runner == nil:
		return nil, errors.New("this evaluation can't run commands")
	}
	if err := v.evaluation.Kubernetes.checkLocal(); err != nil {
		return nil, err
	}
	command := v.evaluation.Placed(a.Command, a.Dir, nil)
	if !a.EchoOff {
		v.evaluation.Info("local: " + command.String())
	}
	stdout, stderr, err := v.run(command, &a)
	if err != nil {
		output := ""
		if a.Quiet {
			output = fmt.Sprintf("\nstdout:\n%s\nstderr:\n%s", end(stdout), end(stderr))
		}
		return nil, fmt.Errorf("command %q failed.\nerror: %w%s", command.String(), err, output)
	}
	if !a.Quiet && !a.EchoOff && stdout+stderr == "" {
		v.evaluation.Info(outputPrefix + "[no output]")
	}
	return data.Blob(stdout), nil
}

// run runs a command to its end and returns what it wrote.
func (v *Environ) run(command *model.Command, a *localParameters) (stdout, stderr string, err error) {
	ctx, cancel := context.WithCancelCause(v.evaluation.Context)
	defer cancel(nil)
	env := v.Entries()
	if kubeconfig := v.Kubeconfig(); kubeconfig != "" {
		env = append(env, kubeconfigVariable+"="+kubeconfig)
	}
	mu, limit := new(sync.Mutex), v.evaluation.MaxDataSize
	out, errs := &output{mu: mu, limit: limit, stop: cancel}, &output{mu: mu, limit: limit, stop: cancel}
	if open := v.evaluation.Output; open != nil && !a.Quiet {
		out.shown, errs.shown = open(), open()
	}
	err = v.evaluation.Runner.Run(ctx, Command{
		Argv:   command.Argv,
		Dir:    command.Dir,
		Env:    append(env, a.Env...),
		Stdin:  string(a.Stdin),
		Stdout: out,
		Stderr: errs,
	})
	err = errors.Join(err, out.close(), errs.close())
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return out.kept.String(), errs.kept.String(), err
}

// Run runs a program to its end in the environment of the Tiltfile and the directory for relative paths. It returns
// what the program writes to standard output; what it writes to standard error is logged, or part of the error.
func (v *Environ) Run(argv ...string) (stdout string, err error) {
	if v.evaluation.Runner == nil {
		return "", errors.New("this evaluation can't run commands")
	}
	command := &model.Command{Argv: argv, Dir: v.evaluation.Directory()}
	stdout, stderr, err := v.run(command, &localParameters{Quiet: true})
	stderr = strings.TrimSpace(stderr)
	switch {
	case err != nil && stderr != "":
		return "", fmt.Errorf("%s: %w\n%s", command, err, end(stderr))
	case err != nil:
		return "", fmt.Errorf("%s: %w", command, err)
	case stderr != "":
		v.evaluation.Info(stderr)
	}
	return stdout, nil
}

// end returns the end of an output, short enough for a message.
func end(text string) string {
	const most = 8 << 10
	if len(text) <= most {
		return text
	}
	return fmt.Sprintf("... %d bytes ...", len(text)-most) + strings.ToValidUTF8(text[len(text)-most:], "")
}

// outputPrefix begins each line that a command of local() writes.
const outputPrefix = " → "

// output keeps what a command writes to one of its streams, up to a limit, and shows it at once.
type output struct {
	// mu is that of all outputs of one command, so that their lines don't mix.
	mu    *sync.Mutex
	limit int64
	// stop ends the command.
	stop context.CancelCauseFunc
	kept bytes.Buffer
	// shown takes what is shown, nil for nothing. inLine is true within a line.
	shown  io.WriteCloser
	inLine bool
}

var _ io.Writer = (*output)(nil)

// Write stops a command that writes more than the limit.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if int64(o.kept.Len()+len(p)) > o.limit {
		err := data.Explain(data.TooLarge{What: "the output of the command", Limit: o.limit})
		o.stop(err)
		return 0, err
	}
	o.kept.Write(p)
	if o.shown == nil {
		return len(p), nil
	}
	var shown []byte
	for line := range bytes.Lines(p) {
		if !o.inLine {
			shown = append(shown, outputPrefix...)
		}
		shown = append(shown, line...)
		o.inLine = line[len(line)-1] != '\n'
	}
	if _, err := o.shown.Write(shown); err != nil {
		return 0, err
	}
	return len(p), nil
}

// close ends what is shown. The command has ended before.
func (o *output) close() error {
	if o.shown == nil {
		return nil
	}
	return o.shown.Close()
}
