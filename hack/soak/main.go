// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command soak runs random Tiltfiles with "tilt-session ci" and "up", sends
// random signals at random moments, and then looks for what was left behind:
// processes, listening ports, temporary files, entries in the kubeconfig.
//
// Each run has a seed, from which everything follows but the timing. A run that
// leaves something is repeated with "-seed ITS-SEED -runs 1". Processes are found
// through /proc, so that it's for Linux alone.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

func main() {
	if err := execute(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// execute is the program, or a server of one of its Tiltfiles.
func execute(args []string) error {
	if len(args) > 0 && args[0] == serverMode {
		return serve(args[1:])
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return soak(ctx, args, os.Stdout)
}

// options are those of the command line.
type options struct {
	bin            string
	seed           uint64
	runs, parallel int
	keep           bool
}

// soak executes the runs and tells of each violation.
func soak(ctx context.Context, args []string, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.StringVar(&o.bin, "bin", "bin/tilt-session", "program to run")
	flags.Uint64Var(&o.seed, "seed", rand.Uint64N(1_000_000_000), "seed of the first run; the others follow")
	flags.IntVar(&o.runs, "runs", 200, "number of runs")
	flags.IntVar(&o.parallel, "parallel", runtime.NumCPU(), "number of runs at once")
	flags.BoolVar(&o.keep, "keep", false, "keep the directories of runs that leave something")
	if err := flags.Parse(args); err != nil {
		return err
	}
	bin, err := filepath.Abs(o.bin)
	if err != nil {
		return err
	}
	if _, err := os.Stat(bin); err != nil {
		return fmt.Errorf("there's no program to run: %w", err)
	}
	o.bin = bin
	fmt.Fprintf(out, "%d runs from seed %d\n", o.runs, o.seed)
	dir, err := os.MkdirTemp("", "soak-")
	if err != nil {
		return err
	}
	violations, err := o.all(ctx, dir, out)
	if violations == 0 || !o.keep {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err == nil && violations > 0 {
		err = fmt.Errorf("%d violations", violations)
	}
	return err
}

// all executes the runs, several at once, and returns how many violations there were.
func (o options) all(ctx context.Context, dir string, out io.Writer) (violations int, err error) {
	var mu sync.Mutex
	kinds, ends := map[string]int{}, map[string]int{}
	slots := make(chan struct{}, o.parallel)
	var running sync.WaitGroup
	for i := range o.runs {
		if ctx.Err() != nil {
			break
		}
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			r := newRun(o.bin, dir, o.seed+uint64(i))
			found, runErr := r.execute(ctx)
			mu.Lock()
			defer mu.Unlock()
			kinds[r.plan.String()]++
			ends[r.end]++
			violations += len(found)
			for _, text := range found {
				fmt.Fprintf(out, "seed %d: %s: %s\n", r.seed, r, text)
			}
			if runErr != nil {
				err = errors.Join(err, fmt.Errorf("seed %d: %w", r.seed, runErr))
			}
			if len(found) == 0 || !o.keep {
				err = errors.Join(err, os.RemoveAll(r.dir))
			}
		})
	}
	running.Wait()
	fmt.Fprintf(out, "runs: %s\nends: %s\n%d violations\n",
		strings.Join(summary(kinds), ", "), strings.Join(summary(ends), ", "), violations)
	return violations, errors.Join(err, ctx.Err())
}
