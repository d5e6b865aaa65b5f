// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"tilt.dev/session/hack/bench/child"
	"tilt.dev/session/hack/bench/result"
)

// compare runs each workload with each contender in turn, as often as -count
// says, and prints the tables.
func (o *options) compare(ctx context.Context, stdout io.Writer) (err error) {
	parent, err := os.MkdirTemp("", "bench-runner-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(parent)) }()
	if err := os.MkdirAll(filepath.Dir(o.out), 0o755); err != nil {
		return err
	}
	out, err := os.Create(o.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	log, err := result.NewLog(out)
	if err != nil {
		return err
	}
	if o.processCompose == "" {
		if err := log.AddAbsence("Run", "process-compose", "-process-compose isn't given"); err != nil {
			return err
		}
	}
	// What has been measured is printed even if the rest fails.
	return errors.Join(o.rounds(ctx, log, parent),
		log.WriteTable(stdout, "Time", reference, result.Median, result.Nanoseconds),
		log.WriteTable(stdout, "Time", reference, result.Best, result.Nanoseconds),
		log.WriteTable(stdout, "CPU time", reference, result.Median, result.CPU),
		log.WriteTable(stdout, "Peak memory", reference, result.Median, result.Bytes),
		log.WriteAbsences(stdout))
}

func (o *options) rounds(ctx context.Context, log *result.Log, parent string) error {
	// The first start of a program may have to read it from disk.
	if err := o.round(ctx, nil, o.workloads[0], parent, 0); err != nil {
		return err
	}
	for round := range o.count {
		for _, w := range o.workloads {
			fmt.Fprintf(os.Stderr, "round %d of %d: %v\n", round+1, o.count, w)
			if err := o.round(ctx, log, w, parent, round); err != nil {
				return err
			}
		}
	}
	return nil
}

// round runs a workload once with each contender. Each round begins with another
// contender, so that none always has the place after the same one.
func (o *options) round(ctx context.Context, log *result.Log, w workload, parent string, round int) error {
	all := o.contenders()
	for i := range all {
		c := all[(i+round)%len(all)]
		if c.can != nil && !c.can(w) {
			continue
		}
		if err := o.measure(ctx, log, c, w, filepath.Join(parent, c.name)); err != nil {
			return fmt.Errorf("%s with %v: %w", c.name, w, err)
		}
	}
	return nil
}

// measure runs a workload once with a contender in dir, which stays for the
// next time. Without a log the result is dropped.
func (o *options) measure(ctx context.Context, log *result.Log, c contender, w workload, dir string) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	command, err := c.command(o, w, dir)
	if err != nil {
		return err
	}
	command.Dir, command.Log = dir, filepath.Join(dir, "output")
	if c.name == openName {
		stop, err := startHolding(ctx, dir)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	usage, err := child.Run(ctx, command)
	if err != nil {
		return err
	}
	if log == nil {
		return nil
	}
	return log.Add(result.Result{Key: result.NewKey("Run", w.String()), Contender: c.name, N: 1, Values: []result.Value{
		{Number: float64(usage.Wall), Unit: result.Nanoseconds},
		{Number: float64(usage.CPU), Unit: result.CPU},
		{Number: float64(usage.PeakRSS), Unit: result.Bytes},
	}})
}
