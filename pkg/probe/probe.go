// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package probe determines by repeated checks whether a server is ready.
//
// The first check begins after the initial delay, the following ones a period apart. Checks never overlap: after
// one that takes longer than a period, the next begins at once. A server becomes ready when as many checks in a row
// have passed as the success threshold says, and not ready when as many in a row have failed as the failure
// threshold says. A check that outlasts its timeout fails.
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

// Result is the result of a check.
type Result struct {
	// Ready is whether the server is ready, after thresholds.
	Ready bool
	// Changed is true if this check changed Ready, or if the first failures reached the failure threshold.
	Changed bool
	// Output describes the outcome of this check in one line.
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

// outcome is the outcome of one check.
type outcome int

const (
	// noResult is for a check that could not be made. It counts neither way.
	noResult outcome = iota
	failed
	passed
)

// check is one kind of check.
type check struct {
	// name is what is checked, unless the text of run names it.
	name string
	// run makes one check. It returns soon after ctx is done, when nothing of the check runs. The text describes
	// the outcome.
	run func(ctx context.Context) (outcome, string)
}

const (
	// A timeout that fires more than lateAfter too late is extended by lateGrace.
	lateAfter = 250 * time.Millisecond
	lateGrace = time.Second
)

// errTimeout cancels the context of a check that outlasts its timeout.
var errTimeout = errors.New("check timed out")

// Run checks until ctx is done, waits for the current check without reporting it,
// and returns. It calls report after each check, in the caller's goroutine.
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
	// A deadline of the context would ignore p.Clock.
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

// expire reports whether a timeout passed before ctx was done. If the timer fires late, because this process was
// suspended or the machine is overloaded, the check gets more time to read an answer that has arrived meanwhile.
func (p *Prober) expire(ctx context.Context, timeout time.Duration) bool {
	began := p.Clock.Now()
	if !p.sleep(ctx, timeout) {
		return false
	}
	return p.Clock.Since(began) < timeout+lateAfter || p.sleep(ctx, lateGrace)
}

// sleep reports whether the time passed before ctx was done.
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

// checkOf returns the check of the action of a valid probe.
func (p *Prober) checkOf(probe model.Probe) check {
	switch {
	case probe.HTTPGet != nil:
		return httpCheck(*probe.HTTPGet)
	case probe.TCPSocket != nil:
		return tcpCheck(*probe.TCPSocket)
	default:
		return p.execCheck(*probe.Exec)
	}
}

// decision turns outcomes into readiness.
type decision struct {
	succeedAfter, failAfter int

	// decided is the outcome that last reached its threshold, noResult at first.
	decided outcome
	// last is the latest outcome, and row how often it occurred in a row.
	last outcome
	row  int
}

// add adds an outcome and reports whether it changed the decision.
func (d *decision) add(o outcome) (changed bool) {
	if o == noResult {
		return false
	}
	if o != d.last {
		d.last, d.row = o, 0
	}
	d.row++
	threshold := d.failAfter
	if o == passed {
		threshold = d.succeedAfter
	}
	if d.row < threshold || o == d.decided {
		return false
	}
	d.decided = o
	return true
}

func (d *decision) ready() bool { return d.decided == passed }
