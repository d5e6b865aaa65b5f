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

func main() {
	os.Exit(run())
}

func run() int {
	// Two signals may arrive before the first is received: end, and end now.
	signals := make(chan os.Signal, 2)
	defer signal.Stop(signals)
	// Without a reader, writing the output returns an error instead of killing the
	// process. Commands would inherit an ignored signal.
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	defer signal.Stop(pipes)

	return cli.ExitCode(cli.Execute(context.Background(), cli.Program{
		Streams: genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr},
		Version: ownVersion(),
		Notify:  func() <-chan os.Signal { notify(signals); return signals },
	}, os.Args[1:]))
}

// notify delivers the signals that ask the program to end.
func notify(signals chan<- os.Signal) {
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	// Under nohup the process outlasts its terminal.
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
}
