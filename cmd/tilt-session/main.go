// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Command tilt-session runs the jobs and servers of a Tiltfile and serves their
// state as a Kubernetes-style resource.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"tilt.dev/session/pkg/cli"
)

// version is set by the linker.
var version = "v0.1.0-dev"

func main() {
	os.Exit(run())
}

// gcPercent lets the heap grow further between two collections than Go does by
// default. It's about 15 MB at the start of a run, so that saves a fifth of the
// time of a short one and costs some tens of MB.
const gcPercent = 400

func run() int {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	// Two signals may arrive before the first is acted upon: end, and end now.
	signals := make(chan os.Signal, 2)
	defer signal.Stop(signals)
	// A reader of our output that goes away is an error of writing, by which
	// nothing is left running. Ignoring the signal would be inherited by commands.
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	defer signal.Stop(pipes)

	return cli.ExitCode(cli.Execute(context.Background(), cli.Program{
		Streams: genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr},
		Version: version,
		Notify:  func() <-chan os.Signal { notify(signals); return signals },
	}, os.Args[1:]))
}

// notify has the signals that ask the program to end delivered.
func notify(signals chan<- os.Signal) {
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	// Under nohup a lost terminal isn't a reason to end.
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
}
