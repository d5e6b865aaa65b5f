// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tiltfile evaluates a Tiltfile, a program in Starlark, and returns what it defines as a model.Project.
//
// The dialect has sets, while loops, recursion, control statements at the top level and reassignment of globals.
// Relative paths, in load as in every builtin, are relative to the directory of the file whose top level is being
// executed, not to that of the file that contains the call.
//
// An evaluation changes neither the environment nor the working directory of the process, and is independent of other
// evaluations. It never uses the network. It ends when its context is done, and with an error when it takes too many
// steps, nests calls too deeply or keeps too much memory. These limits are checked between two steps; the time and
// the memory of a single operation, such as 'x' * 1000000000, are not limited.
//
// Package builtins has the builtins of most subjects, package config those of config.*, and package data the
// encodings; see package builtins for how to add a builtin. The list of all subjects is in newEvaluation. This
// package has what executes other files: load, include and extensions.
//
// Builtins of Tilt that need Docker or Kubernetes are known by name, and calling one is an error that says so. Those
// for what this program doesn't have, such as telemetry and buttons, only check their arguments. Of the objects of
// v1alpha1, commands become companions. Extensions come from directories only; they are executed after the main file,
// each with its own arguments.
//
// Beyond Tilt, local_resource has timeout, readiness_timeout, retries and restart, and ci_settings has settle.
package tiltfile

import (
	"context"
	"io"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
	"tilt.dev/session/pkg/tiltfile/data"
)

// Options say what to evaluate, and with what.
type Options struct {
	// Path is the absolute path of the main Tiltfile.
	Path string
	// WorkingDir is the directory for relative paths in a Tiltfile that is an open file of this process, such as
	// /dev/stdin.
	WorkingDir string
	// MaxDataSize limits the bytes of one file, text or output of a command; 0 is DefaultMaxDataSize. The memory of
	// an evaluation is limited to a multiple of it.
	MaxDataSize int64
	// Streams keeps what can be read only once. Nil keeps it for this evaluation, and refuses the open files of this
	// process.
	Streams *Streams
	// Args are the arguments for the Tiltfile: the resources to enable, or the settings that config.parse() returns.
	Args []string
	// Subcommand is how the program was called, such as "up" or "ci".
	Subcommand string
	// Argv is the command line of the program, and Executable the path of its file, empty when it isn't known.
	Argv       []string
	Executable string
	// Environ is the environment as "KEY=value" entries; the last one of a key counts.
	Environ []string
	// Runner runs the commands of local(); nil refuses them.
	Runner Runner
	// Log gets what the Tiltfile prints and warns of: one or more lines without a final line break. Calls don't
	// overlap. Nil drops the text.
	Log func(level logs.Level, text string)
	// Output returns a writer for what a command of local() writes to one of its streams, and the evaluation closes
	// it. Nil drops the output.
	Output func() io.WriteCloser
}

type (
	// Runner runs the commands of local().
	Runner = builtins.Runner
	// Command is a command of local().
	Command = builtins.Command
	// Streams keeps what can be read only once.
	Streams = data.Streams
)

const (
	// DataSizeVariable is the environment variable for MaxDataSize in Options.
	DataSizeVariable = data.SizeVariable
	// DefaultMaxDataSize is MaxDataSize where it isn't set.
	DefaultMaxDataSize = 64 << 20
)

// NewStreams returns the streams of a run. A server that evaluates the Tiltfiles of its clients passes false for
// openFiles: reading its open files is refused.
func NewStreams(openFiles bool) *Streams { return data.NewStreams(openFiles) }

// IsStream returns whether a path leads to a pipe, a device or an open file of this process. Its content is read
// once; watching it is of no use.
func IsStream(path string) bool { return data.IsStream(path) }

// Load evaluates a Tiltfile. Its error is always an *Error, which wraps the cause of ctx if that was done. Inputs,
// ignores and settings of the project are set after an error as well; its resources are not.
//
// Load blocks until the evaluation has ended. When ctx is done it ends soon, including the commands that it runs.
func Load(ctx context.Context, options Options) (model.Project, error) {
	return newEvaluation(ctx, options).project()
}
