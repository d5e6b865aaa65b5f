// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command peers compares tilt-session's API server with other servers of the
// same resource: how fast each is ready, answers and delivers events, and how
// much memory it takes.
//
// Each contender is a process of its own, which this command starts, measures
// and ends before it starts the next. See README.md in the parent directory.
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
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// run is one of the servers if the first argument names one, or else the
// comparison.
func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		if serve, ok := servers[args[0]]; ok {
			return serve(untilInputEnds(ctx), args[1])
		}
	}
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	return o.compare(ctx, os.Stdout)
}

// servers are the contenders that are part of this program, and the etcd that
// one of the others needs. Each serves until ctx is done, in a directory where
// it writes the file that says how to reach it.
var servers = map[string]func(ctx context.Context, dir string) error{
	"serve-etcd":           serveEtcd,
	"serve-plain":          servePlain,
	"serve-tilt-apiserver": serveTiltAPIServer,
	"serve-bare":           serveBare,
}

// untilInputEnds returns a context that is done as soon as the process that has
// started this one is gone. The goroutine that reads ends with this process.
func untilInputEnds(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		// Nothing is sent: Read returns at the end of the input.
		_, _ = os.Stdin.Read(make([]byte, 1))
	}()
	return ctx
}
