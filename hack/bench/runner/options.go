// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// options are those of the command line.
type options struct {
	bin, processCompose, out string
	workloads                []workload
	count                    int
	open                     bool
}

func parseOptions(args []string) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("runner", flag.ContinueOnError)
	flags.StringVar(&o.bin, "bin", "bin/tilt-session", "the `program` to measure")
	flags.StringVar(&o.processCompose, "process-compose", "", "the `program` of process-compose, left out if empty")
	flags.StringVar(&o.out, "out", "bin/bench-runner.txt", "the `file` to write for benchstat")
	jobs := flags.String("jobs", "1,100,1000", "the numbers of independent jobs")
	chain := flags.Int("chain", 50, "the length of a chain of jobs, 0 for none")
	flags.IntVar(&o.count, "count", 10, "how often each measurement is repeated")
	flags.BoolVar(&o.open, "open", true, "also measure while another process holds the kubeconfig open")
	quick := flags.Bool("quick", false, "a smoke test: one repetition, and 1 and 20 jobs if -jobs isn't given")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if *quick {
		o.count = 1
		set := false
		flags.Visit(func(f *flag.Flag) { set = set || f.Name == "jobs" })
		if !set {
			*jobs = "1,20"
		}
	}
	for _, word := range strings.Split(*jobs, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-jobs: %q is not a positive number", word)
		}
		o.workloads = append(o.workloads, workload{jobs: n})
	}
	if *chain > 0 {
		o.workloads = append(o.workloads, workload{jobs: *chain, chain: true})
	}
	if o.count < 1 || *chain < 0 {
		return nil, errors.New("-count must be positive, -chain must not be negative")
	}
	for _, program := range []*string{&o.bin, &o.processCompose} {
		if *program == "" {
			continue
		}
		found, err := exec.LookPath(*program)
		if err != nil {
			return nil, err
		}
		if *program, err = filepath.Abs(found); err != nil {
			return nil, err
		}
	}
	return o, nil
}
