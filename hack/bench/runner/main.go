// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command runner compares "tilt-session ci" with other programs that run the
// same commands: how long they take, and how much memory. See README.md in the
// parent directory.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "runner:", err)
		os.Exit(1)
	}
}

// run is the process that holds a file open if the arguments say so, or else
// the comparison.
func run(ctx context.Context, args []string) error {
	if len(args) == 2 && args[0] == holdCommand {
		return hold(ctx, args[1])
	}
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	return o.compare(ctx, os.Stdout)
}
