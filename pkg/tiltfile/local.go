// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"context"
	"errors"
	"fmt"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

func (e *evaluation) localLibrary() library {
	return functions(map[string]function{"local": e.local})
}

// localArguments are those of local, in its order.
type localArguments struct {
	command    commandArgument
	quiet      bool
	commandBat commandArgument
	echoOff    bool
	env        environment
	dir        localPath
	stdin      optional[text, *text]
}

// local is local(command, quiet=False, command_bat=, echo_off=False, env={},
// dir=, stdin=): it runs a command and returns what it writes to its standard
// output.
func (e *evaluation) local(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var a localArguments
	err := starlark.UnpackArgs(fn.Name(), args, kwargs,
		"command", &a.command,
		"quiet??", &a.quiet,
		"command_bat??", &a.commandBat,
		"echo_off??", &a.echoOff,
		"env??", &a.env,
		"dir??", &a.dir,
		"stdin??", &a.stdin,
	)
	switch {
	case err != nil:
		return nil, err
	case a.command.Command == nil:
		return nil, errors.New("for parameter command: must not be empty")
	case e.options.Runner == nil:
		return nil, errors.New("running commands isn't possible here")
	}
	return e.runLocal(&a)
}

func (e *evaluation) runLocal(a *localArguments) (starlark.Value, error) {
	command := e.placed(a.command, a.dir, nil)
	if !a.echoOff {
		e.log(logs.LevelInfo, "local: "+command.String())
	}
	output, err := e.capture(command, a)
	if err != nil {
		return nil, describeFailure(command, output, a.quiet, err)
	}
	if !a.quiet && !a.echoOff && output.empty() {
		e.log(logs.LevelInfo, localPrefix+"[no output]")
	}
	return blob(output.stdout.text()), nil
}

// capture runs a command to its end and returns what it wrote.
func (e *evaluation) capture(command *model.Command, a *localArguments) (*localOutput, error) {
	ctx, cancel := context.WithCancelCause(e.ctx)
	defer cancel(nil)
	show := e.options.Output
	if a.quiet {
		show = nil
	}
	output := newLocalOutput(e.limits.readSize, cancel, show)
	err := e.options.Runner.Run(ctx, Command{
		Argv:   command.Argv,
		Dir:    command.Dir,
		Env:    append(e.environ.entries(), a.env...),
		Stdin:  string(a.stdin.value),
		Stdout: &output.stdout,
		Stderr: &output.stderr,
	})
	err = errors.Join(err, output.close())
	if cause := context.Cause(ctx); cause != nil {
		return output, cause
	}
	return output, err
}

// describeFailure tells how a command failed, with the end of its output unless
// that was shown.
func describeFailure(command *model.Command, output *localOutput, quiet bool, err error) error {
	shown := ""
	if quiet {
		shown = fmt.Sprintf("\nstdout:\n%s\nstderr:\n%s", output.stdout.end(), output.stderr.end())
	}
	return fmt.Errorf("command %q failed.\nerror: %w%s", command.String(), err, shown)
}
