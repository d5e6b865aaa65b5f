// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command load fills a server with Sessions as "tilt-session serve
// --run-sessions=false" keeps them, and measures what it takes to write, read,
// page through and watch them, and to start again with them.
//
// Each figure is a line that benchstat reads. Besides the time that a client
// sees there is the processor time of the server, which depends less on what
// else the machine does. The server is measured through /proc, so that it's for
// Linux alone. With -profiles DIR the server's profiles of writing, paging and
// of the memory at the end are kept there.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := load(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// options are those of the command line.
type options struct {
	bin, storages, profiles      string
	sessions, targets            int
	page, reads, writes, writers int
	settling                     time.Duration
}

// load measures each storage with a server of its own.
func load(ctx context.Context, args []string, out io.Writer) (err error) {
	var o options
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.StringVar(&o.bin, "bin", "bin/tilt-session", "program to run")
	flags.StringVar(&o.storages, "storage", "memory,file", "storages to measure")
	flags.StringVar(&o.profiles, "profiles", "", "directory to keep profiles of the server in")
	flags.IntVar(&o.sessions, "sessions", 10_000, "number of Sessions")
	flags.IntVar(&o.targets, "targets", 20, "number of targets of each")
	flags.IntVar(&o.page, "page", 500, "Sessions of one page of a list")
	flags.IntVar(&o.reads, "reads", 2000, "number of single reads")
	flags.IntVar(&o.writes, "writes", 2000, "number of writes of a status, besides one for each Session")
	flags.IntVar(&o.writers, "writers", 8, "clients that write at once")
	flags.DurationVar(&o.settling, "settling", 5*time.Second, "time to return memory after a garbage collection")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.sessions < 1 || o.targets < 0 || o.page < 1 || o.reads < 1 || o.writes < 1 || o.writers < 1 {
		return errors.New("numbers must be positive")
	}
	if o.bin, err = filepath.Abs(o.bin); err != nil {
		return err
	}
	if o.profiles != "" {
		if err := os.MkdirAll(o.profiles, 0o755); err != nil {
			return err
		}
	}
	for _, storage := range strings.Split(o.storages, ",") {
		if err := o.measure(ctx, storage, out); err != nil {
			return fmt.Errorf("--storage %s: %w", storage, err)
		}
	}
	return nil
}

// measure takes one storage through everything.
func (o options) measure(ctx context.Context, storage string, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "load-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m := &measurement{options: o, storage: storage, dir: dir, out: out}
	if err := m.start(ctx, "start-empty"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.server.stop()) }()
	for _, step := range []func(context.Context) error{m.fill, m.memory("memory-filled"), m.get, m.list, m.watch, m.write, m.memory("memory")} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if storage != "file" {
		return nil
	}
	if err := m.file(); err != nil {
		return err
	}
	if err := m.server.stop(); err != nil {
		return err
	}
	if err := m.start(ctx, "start-filled"); err != nil {
		return err
	}
	return m.memory("memory-restarted")(ctx)
}
