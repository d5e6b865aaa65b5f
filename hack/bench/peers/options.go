// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// numbers is a flag of positive numbers, separated by commas.
type numbers []int

func (n *numbers) String() string {
	var words []string
	for _, number := range *n {
		words = append(words, strconv.Itoa(number))
	}
	return strings.Join(words, ",")
}

func (n *numbers) Set(text string) error {
	*n = nil
	for _, word := range strings.Split(text, ",") {
		number, err := strconv.Atoi(word)
		if err != nil || number < 1 {
			return fmt.Errorf("%q is not a positive number", word)
		}
		*n = append(*n, number)
	}
	return nil
}

// options are those of the command line.
type options struct {
	bin, out, dir, profiles     string
	contenders                  []string
	sessions, workers, watchers numbers
	targets, page, count        int
	duration, idle              time.Duration
}

func parseOptions(args []string) (*options, error) {
	o := &options{sessions: numbers{100, 1000}, workers: numbers{1, 16}, watchers: numbers{1, 100, 1000}}
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.StringVar(&o.bin, "bin", "bin/tilt-session", "the `program` to measure")
	flags.StringVar(&o.out, "out", "bin/bench-peers.txt", "the `file` to write for benchstat")
	flags.StringVar(&o.dir, "dir", "",
		"the `directory` for data, on the file system to measure (default: that of temporary files)")
	flags.StringVar(&o.profiles, "profiles", "", "a `directory` for CPU and heap profiles of the servers that offer them")
	chosen := flags.String("contenders", strings.Join(contenderNames(), ","), "the contenders")
	flags.Var(&o.sessions, "sessions", "how many Sessions a server holds")
	flags.Var(&o.workers, "workers", "how many clients send requests at a time")
	flags.Var(&o.watchers, "watchers", "how many clients watch, measured with the first number of Sessions")
	flags.IntVar(&o.targets, "targets", 20, "how many targets a Session has")
	flags.IntVar(&o.page, "page", 50, "how many Sessions a page of a list has")
	flags.IntVar(&o.count, "count", 3, "how often each measurement is repeated")
	flags.DurationVar(&o.duration, "time", time.Second, "how long one measurement lasts")
	flags.DurationVar(&o.idle, "idle", 0, "measure memory again after this time without requests, 0 to skip")
	quick := flags.Bool("quick", false,
		"a smoke test of about a minute: fewer Sessions, watchers and repetitions, less time")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if *quick {
		o.beQuick(flags)
	}
	o.contenders = strings.Split(*chosen, ",")
	var err error
	if o.bin, err = filepath.Abs(o.bin); err != nil {
		return nil, err
	}
	return o, errors.Join(o.validate()...)
}

// beQuick shortens what the command line doesn't set.
func (o *options) beQuick(flags *flag.FlagSet) {
	set := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { set[f.Name] = true })
	for name, change := range map[string]func(){
		"sessions": func() { o.sessions = numbers{100} },
		"watchers": func() { o.watchers = numbers{1, 100} },
		"count":    func() { o.count = 1 },
		"time":     func() { o.duration = 100 * time.Millisecond },
	} {
		if !set[name] {
			change()
		}
	}
}

func (o *options) validate() (errs []error) {
	for _, name := range o.contenders {
		if !slices.Contains(contenderNames(), name) {
			errs = append(errs, fmt.Errorf("-contenders: %q is none of %s", name, strings.Join(contenderNames(), ", ")))
		}
	}
	if i := slices.Index(o.contenders, bare); i >= 0 && !slices.Contains(o.contenders[:i], reference) {
		errs = append(errs, fmt.Errorf("-contenders: %s requires %s before it, whose answers it repeats", bare, reference))
	}
	if least := slices.Max(o.workers); slices.Min(o.sessions) < least {
		errs = append(errs, fmt.Errorf("-sessions must be at least %d, so that each worker has a Session of its own", least))
	}
	if o.targets < 1 || o.page < 1 || o.count < 1 || o.duration <= 0 || o.idle < 0 {
		errs = append(errs, errors.New("-targets, -page, -count and -time must be positive, -idle must not be negative"))
	}
	if _, err := os.Stat(o.bin); err != nil {
		errs = append(errs, fmt.Errorf("-bin: %w", err))
	}
	return errs
}
