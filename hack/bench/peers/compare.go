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
	"slices"

	"tilt.dev/session/hack/bench/result"
)

// compare measures the contenders in turn, as often as -count says, and prints
// the table.
func (o *options) compare(ctx context.Context, stdout io.Writer) (err error) {
	dir, err := os.MkdirTemp(o.dir, "bench-peers-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.profiles != "" {
		if err := os.MkdirAll(o.profiles, 0o755); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(o.out), 0o755); err != nil {
		return err
	}
	out, err := os.Create(o.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	log, err := result.NewLog(out, fmt.Sprintf("benchtime: %v", o.duration), fmt.Sprintf("targets: %d", o.targets))
	if err != nil {
		return err
	}
	// What has been measured is printed even if the rest fails.
	return errors.Join(o.rounds(ctx, log, dir),
		log.WriteTable(stdout, "Time and size", reference, result.Median, result.Nanoseconds, result.Bytes),
		log.WriteTable(stdout, "CPU time of the server", reference, result.Median, result.CPU),
		log.WriteAbsences(stdout))
}

func (o *options) rounds(ctx context.Context, log *result.Log, dir string) error {
	for round := range o.count {
		for _, sessions := range o.sessions {
			for _, c := range o.order(round) {
				if !slices.Contains(o.contenders, c.name) {
					continue
				}
				fmt.Fprintf(os.Stderr, "round %d of %d: %s with %d Sessions\n", round+1, o.count, c.name, sessions)
				if err := o.measure(ctx, log, c, sessions, dir); err != nil {
					return fmt.Errorf("%s with %d Sessions: %w", c.name, sessions, err)
				}
			}
		}
	}
	return nil
}

// order returns the contenders in the order of a round: each round begins with
// another, so that none always has the place after the same one.
func (o *options) order(round int) []contender {
	all := contenders()
	round %= len(all)
	return slices.Concat(all[round:], all[:round])
}

// measure measures one contender with a number of Sessions, from an empty
// directory on.
func (o *options) measure(ctx context.Context, log *result.Log, c contender, sessions int, parent string) (err error) {
	dir := filepath.Join(parent, c.name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// The bare server may come before the reference in later rounds: it then has
	// the answers of the round before.
	answers := filepath.Join(parent, fmt.Sprintf("%s-%d", answersFile, sessions))
	if c.name == bare {
		if err := os.Symlink(answers, filepath.Join(dir, answersFile)); err != nil {
			return err
		}
	}
	s, took, err := start(ctx, o, c, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	m := &measurement{server: s, log: log, sessions: sessions}
	defer m.close()
	if m.templates, err = newTemplates(o.targets); err != nil {
		return err
	}
	started := result.Value{Number: float64(took), Unit: result.Nanoseconds}
	if err := m.add(result.NewKey(workStart), 1, started); err != nil {
		return err
	}
	if err := m.prepare(ctx); err != nil {
		return err
	}
	if c.name == reference && slices.Contains(o.contenders, bare) {
		if err := m.record(ctx, answers); err != nil {
			return fmt.Errorf("recording answers for %s: %w", bare, err)
		}
	}
	return m.work(ctx)
}
