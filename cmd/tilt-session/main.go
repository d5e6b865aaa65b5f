// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Command tilt-session runs the jobs and servers of a Tiltfile and serves their
// state as a Kubernetes-style resource.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"tilt.dev/session/pkg/cli"
)

// version is set by the linker.
var version = "v0.1.0-dev"

func main() {
	os.Exit(run())
}

func run() int {
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
