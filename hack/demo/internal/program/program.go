// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package program runs the body of a command-line program until it ends or is
// told to end.
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Run gives body its arguments and a context that ends with SIGINT or SIGTERM,
// and returns the exit code. Errors are printed with the program's name.
func Run(name string, body func(ctx context.Context, flags *flag.FlagSet, args []string) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := body(ctx, flag.NewFlagSet(name, flag.ContinueOnError), os.Args[1:])
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
	return 1
}
