// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Command tilt-session runs the jobs and servers of a Tiltfile, builds its images, deploys its Kubernetes workloads,
// and serves their state as a Kubernetes-style resource.
package main

import (
	"cmp"
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	utilversion "k8s.io/apimachinery/pkg/util/version"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"tilt.dev/session/pkg/cli"
	"tilt.dev/session/pkg/cli/command"
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

	program := command.Program{
		Streams: genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr},
		Version: ownVersion(),
		Tilt:    filepath.Base(os.Args[0]) == "tilt",
		Notify:  func() <-chan os.Signal { notify(signals); return signals },
	}
	return program.ExitCode(cli.Execute(context.Background(), program, os.Args[1:]))
}

// notify delivers the signals that ask the program to end.
func notify(signals chan<- os.Signal) {
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	// Under nohup the process outlasts its terminal.
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
}

// version is set by the linker. Without that, the build information has the version.
var version string

// development is the version of a build without build information.
const development = "v0.1.0-dev"

// ownVersion is a semantic version with a "v".
func ownVersion() string {
	info, _ := debug.ReadBuildInfo()
	return cmp.Or(version, buildVersion(info))
}

// buildVersion is the version of the main module, which is that of the commit in a clone.
func buildVersion(info *debug.BuildInfo) string {
	if info == nil {
		return development
	}
	if _, err := utilversion.ParseSemantic(info.Main.Version); err != nil {
		return development
	}
	return info.Main.Version
}
