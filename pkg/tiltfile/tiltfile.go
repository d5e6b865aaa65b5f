// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tiltfile evaluates a Tiltfile, a program in Starlark, and returns
// what it asks for as a model.Project.
//
// The dialect allows sets, while loops, recursion, control statements at the
// top level and assigning a global again. Relative paths, in load as in every
// builtin, are relative to the directory of the file whose top level is being
// executed, not to that of the file that holds the call.
//
// An evaluation keeps nothing behind: it changes neither the environment nor
// the working directory of the process, and two of them don't know of each
// other. It ends when its context does, and its own limits end it when it
// takes too many steps, nests calls too deeply or keeps too much memory. These
// limits are checked between steps. The memory and the time of a single step,
// such as 'x' * 1000000000, aren't limited: a Tiltfile runs commands anyway.
//
// Builtins of Tilt that need Docker or Kubernetes are known by name, and
// calling one is an error that says so. Those for what this program doesn't
// have, such as telemetry and buttons, check their arguments and do nothing
// else. Of the objects of v1alpha1, commands become companions, and extensions
// are executed like the main file and after it, with their own arguments; they
// come from directories only, an evaluation never uses the network.
//
// Beyond Tilt, local_resource has timeout, readiness_timeout, retries and
// restart, and ci_settings has settle.
package tiltfile

import (
	"context"
	"io"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// Options say what to evaluate and in what surroundings.
type Options struct {
	// Path is the absolute path of the main Tiltfile.
	Path string
	// WorkingDir is what relative paths are relative to in a Tiltfile that's an
	// open file of this process, such as /dev/stdin.
	WorkingDir string
	// MaxDataSize is the most bytes of one file, text or output of a command, 0
	// for DefaultMaxDataSize. The memory of an evaluation is limited to a multiple
	// of it.
	MaxDataSize int64
	// Streams has what can be read only once. Nil keeps it for this evaluation
	// alone, and refuses the open files of this process.
	Streams *Streams
	// Args are the arguments for the Tiltfile: the resources to enable, or what
	// config.parse() makes of them.
	Args []string
	// Subcommand is how the program was called, such as "up" or "ci".
	Subcommand string
	// Argv is the command line of the program, and Executable the path of its
	// file, empty when it isn't known.
	Argv       []string
	Executable string
	// Environ is the environment as "KEY=value" entries, the last one of a key
	// wins.
	Environ []string
	// Runner runs the commands of local(), nil refuses them.
	Runner Runner
	// Log gets what the Tiltfile prints and warns of: one or more lines without
	// a final line break. Calls don't overlap. Nil drops the text.
	Log func(level logs.Level, text string)
	// Output returns a writer of what a command of local() writes to one of its
	// streams, which is closed at its end. Nil drops it.
	Output func() io.WriteCloser
}

// Runner runs a command to its end.
type Runner interface {
	// Run returns once the command, and every process that it left in its
	// group, has ended and its output was written. It ends them when ctx is
	// done. The error of a command that didn't exit with 0 reads like "exit
	// status 3".
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

// Load evaluates a Tiltfile. An error is always an *Error; when ctx was done,
// it wraps the cause of that. Inputs, ignores and settings of the project are
// set after an error as well, its resources aren't.
//
// Load blocks until the evaluation has ended. When ctx is done it ends soon,
// running commands included.
func Load(ctx context.Context, options Options) (model.Project, error) {
	return newEvaluation(ctx, options).project()
}
