// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package probe finds out whether a server is ready, by repeated checks.
//
// The first check begins when the initial delay has passed, at once without one, the
// next ones a period apart; a check that takes longer than a period is followed by
// the next without a pause, never overlapped by it. A server is not ready until as
// many checks in a row as the success threshold have passed, and then ready until
// as many as the failure threshold have failed. A check that wasn't over
// within its timeout has failed.
package probe

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// Result is what is known after a check.
type Result struct {
	// Ready is whether the server is ready, thresholds considered.
	Ready bool
	// Changed is true when this check decided Ready: when it turned, and when the
	// first failures reached the failure threshold.
	Changed bool
	// Output says in one line for people how this check went.
	Output string
}

// Prober runs the checks of any number of probes.
type Prober struct {
	// Start launches the commands of exec probes, with Dir and Env.
	Start func(process.Spec) (*process.Process, error)
	Dir   string
	Env   []string
	// Clock measures delays, periods and timeouts.
	Clock clock.WithTicker
}

// outcome is how one check went.
type outcome int

const (
	// noResult is of a check that couldn't be made; it counts neither way.
	noResult outcome = iota
	failed
	passed
)

// check is one kind of check.
type check struct {
	// name says what is checked, where the text of run doesn't.
	name string
	// run makes one check. It returns soon after ctx is done, and leaves nothing
	// running. The text says how it went.
	run func(ctx context.Context) (outcome, string)
}

const (
	// lateAfter is how late a timeout may be noticed without a second chance,
	// lateGrace how long that lasts.
	lateAfter = 250 * time.Millisecond
	lateGrace = time.Second
)

// errTimeout is the cause of the end of a context whose check took too long.
var errTimeout = errors.New("check timed out")

// Run checks until ctx is done, and then returns when the last check, whose
// result isn't reported any more, has ended. report is called after each check, in
// this goroutine.
func (p *Prober) Run(ctx context.Context, probe model.Probe, report func(Result)) {
	if !p.sleep(ctx, probe.InitialDelay) {
		return
	}
	ticker := p.Clock.NewTicker(probe.Period)
	defer ticker.Stop()
	check := p.checkOf(probe)
	decision := decision{succeedAfter: probe.SuccessThreshold, failAfter: probe.FailureThreshold}
	for {
		outcome, text := p.once(ctx, check, probe.Timeout)
		if ctx.Err() != nil {
			return
		}
		changed := decision.add(outcome)
		report(Result{Ready: decision.ready(), Changed: changed, Output: text})
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
	}
}

// once makes one check within the timeout.
func (p *Prober) once(ctx context.Context, check check, timeout time.Duration) (outcome, string) {
	ctx, cancel := context.WithCancelCause(ctx)
	var timing sync.WaitGroup
	defer timing.Wait()
	defer cancel(nil)
	// Not a deadline, which would be read as one of the machine's clock.
	timing.Go(func() {
		if p.expire(ctx, timeout) {
			cancel(errTimeout)
		}
	})
	outcome, text := check.run(ctx)
	if outcome != passed && errors.Is(context.Cause(ctx), errTimeout) {
		outcome, text = failed, fmt.Sprintf("timed out after %s", timeout)
	}
	if check.name != "" {
		text = check.name + ": " + text
	}
	return outcome, text
}

// expire says whether a timeout passed before ctx was done. If that's noticed
// late, because this process was stopped or the machine is very busy, an answer
// that has come meanwhile has another moment to be read.
func (p *Prober) expire(ctx context.Context, timeout time.Duration) bool {
	began := p.Clock.Now()
	if !p.sleep(ctx, timeout) {
		return false
	}
	return p.Clock.Since(began) < timeout+lateAfter || p.sleep(ctx, lateGrace)
}

// sleep says whether the time passed before ctx was done.
func (p *Prober) sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := p.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C():
		return true
	}
}

// checkOf returns the check of a probe's action.
func (p *Prober) checkOf(probe model.Probe) check {
	switch {
	case probe.HTTPGet != nil:
		return httpCheck(*probe.HTTPGet)
	case probe.TCPSocket != nil:
		return tcpCheck(*probe.TCPSocket)
	case probe.Exec != nil:
		return p.execCheck(*probe.Exec)
	default:
		return check{name: "probe", run: func(context.Context) (outcome, string) {
			return noResult, "it has no action"
		}}
	}
}
