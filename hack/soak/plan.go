// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// plan is what is done to a run.
type plan struct {
	// command is "ci" or "up".
	command string
	signals []syscall.Signal
	// pauses are the times before each of the signals. The first one begins with the
	// program's first instruction if it's early, or else when the server is known.
	pauses []time.Duration
	early  bool
	// grace is the one between TERM and KILL.
	grace time.Duration
	// stdout is "file", "full" for a full disk, or "closed" for a pipe that nobody reads.
	stdout string
}

func newPlan(r *rand.Rand) plan {
	p := plan{
		command: "up",
		signals: pick(r, [][]syscall.Signal{
			{syscall.SIGINT}, {syscall.SIGTERM}, {syscall.SIGHUP}, {syscall.SIGKILL}, {syscall.SIGKILL}, {syscall.SIGQUIT},
			{syscall.SIGINT, syscall.SIGINT}, {syscall.SIGINT, syscall.SIGKILL}, {syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP},
		}),
		grace:  pick(r, []time.Duration{0, 100 * time.Millisecond, time.Second}),
		stdout: pick(r, []string{"file", "file", "file", "full", "closed"}),
	}
	if r.IntN(2) == 0 {
		p.command = "ci"
		if r.IntN(4) == 0 {
			p.signals = nil
		}
	}
	p.early = r.IntN(4) == 0
	for i, s := range p.signals {
		// Under nohup it's ignored by everything that's started from here.
		if s == syscall.SIGHUP && signal.Ignored(s) {
			p.signals[i] = syscall.SIGTERM
		}
	}
	for range p.signals {
		pause := time.Duration(r.ExpFloat64() * float64(300*time.Millisecond))
		p.pauses = append(p.pauses, min(pause, 3*time.Second))
	}
	return p
}

// killed says whether the run had no chance to end in order.
func (p plan) killed() bool {
	return slices.Contains(p.signals, syscall.SIGKILL) || slices.Contains(p.signals, syscall.SIGQUIT)
}

func (p plan) String() string {
	names := []string{p.command}
	for _, s := range p.signals {
		names = append(names, strings.TrimPrefix(unix.SignalName(s), "SIG"))
	}
	return strings.Join(names, " ")
}

// summary tells how many runs of each kind there were.
func summary(kinds map[string]int) (texts []string) {
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		texts = append(texts, fmt.Sprintf("%d %s", kinds[kind], kind))
	}
	return texts
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
