// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tiltfile evaluates a Tiltfile, a program in Starlark, and returns what it defines as a model.Project.
//
// The dialect has sets, while loops, recursion, control statements at the top level and reassignment of globals.
// Relative paths, in load as in every builtin, are relative to the directory of the file whose top level is being
// executed, not to that of the file that contains the call.
//
// An evaluation changes neither the environment nor the working directory of the process, and is independent of other
// evaluations. Only the commands that it runs use the network, such as the git that fetches extensions, and kustomize()
// for remote bases. It ends when its context is done, and with an error when it takes too many steps, nests calls too
// deeply or keeps too much memory. These limits are checked between two steps; the time and the memory of a single
// operation, such as 'x' * 1000000000 or kustomize(), are not limited.
//
// Package builtins has the builtins of most subjects, package config those of config.*, package images those for
// image builds, package compose those for Docker Compose, package kubernetes those for what is deployed, and package
// data the encodings; see package builtins for how to add a builtin. The list of all subjects is in newEvaluation. This
// package has what executes other files: load, include and extensions; package extension fetches their repositories.
//
// Builtins for what this program doesn't have, such as telemetry and buttons, only check their arguments. Of the
// objects of v1alpha1, commands become companions. Extensions that aren't loaded are executed after the main file, each
// with its own arguments.
//
// Beyond Tilt, local_resource has timeout, readiness_timeout, retries and restart, ci_settings has settle, and services
// of Docker Compose have x-tilt.
package tiltfile

import (
	"context"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
	"tilt.dev/session/pkg/tiltfile/data"
)

type (
	// Options say what to evaluate, and with what.
	Options = builtins.Options
	// Runner runs the commands of local().
	Runner = builtins.Runner
	// Command is a command of local().
	Command = builtins.Command
	// Streams keeps what can be read only once.
	Streams = data.Streams
)

// TiltVersion is the version of Tilt that this package works as, and that Tiltfiles see.
const TiltVersion = builtins.TiltVersion

// DataSizeVariable is the environment variable for MaxDataSize in Options.
const DataSizeVariable = data.SizeVariable

// NewStreams returns the streams of a run. A server that evaluates the Tiltfiles of its clients passes false for
// openFiles: reading its open files is refused.
func NewStreams(openFiles bool) *Streams { return data.NewStreams(openFiles) }

// IsStream returns whether a path leads to a pipe, a device or an open file of this process. Its content is read
// once, and it can't be watched.
func IsStream(path string) bool { return data.IsStream(path) }

// Load evaluates a Tiltfile. Its error is always an *Error, which wraps the cause of ctx if that was done. Inputs,
// ignores and settings of the project are set after an error as well; its resources are not.
//
// Load blocks until the evaluation has ended. When ctx is done it ends soon, including the commands that it runs.
func Load(ctx context.Context, options Options) (model.Project, error) {
	return newEvaluation(ctx, options).project()
}
