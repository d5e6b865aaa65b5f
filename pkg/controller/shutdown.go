// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
)

// shutDown ends all runs and waits for them, when no worker is left. It returns what went wrong. The end of each
// run is reported, then stored while the runs end.
func (c *Controller) shutDown(lasting context.Context) []error {
	runs := c.runs.all()
	for _, r := range runs {
		c.interrupt(r)
	}
	errs := eachRun(lasting, runs, "store the end of", c.storeEnd)
	errs = append(errs, c.runs.wait()...)
	return append(errs, eachRun(lasting, runs, "release", c.releaseEnded)...)
}

// eachRun calls do for each run, within requestsTimeout altogether.
func eachRun(ctx context.Context, runs []*run, what string, do func(context.Context, *run) error) (errs []error) {
	ctx, cancel := context.WithTimeout(ctx, requestsTimeout)
	defer cancel()
	for _, r := range runs {
		if err := do(ctx, r); err != nil {
			errs = append(errs, fmt.Errorf("%s Session %q: %w", what, r.name, err))
		}
	}
	return errs
}

// interrupt ends a run with the process, and reports its verdict. A manual Session without one stays, for the next
// process.
func (c *Controller) interrupt(r *run) {
	switch {
	case r.ending:
		return
	case r.verdict == nil:
		if status := c.lastVerdict(r); status.Done {
			r.verdict = c.newVerdict(r, status)
		}
	}
	if r.verdict == nil {
		r.cancel()
		return
	}
	if !r.concluded {
		c.conclude(r)
	}
	c.finish(r, c.outcome(r))
}

// lastVerdict is the last status of a run. It is done with the failure of the newest snapshot, decided at the time
// at which the end of the process began, or Interrupted if the Session should have reached a verdict. Success would
// need another look at what has ended.
func (c *Controller) lastVerdict(r *run) v1alpha1.SessionStatus {
	if snap := r.control.Snapshot(); snap.Tiltfile.Path == r.tiltfile {
		status, _ := session.Status(r.refusal.apply(snap), r.undecided(), c.stopped)
		if status.Done && session.VerdictOf(status) != session.Succeeded {
			return status
		}
	}
	last := *r.session
	last.Status = c.lastStatus(r)
	if r.session.Spec.ExitCondition == v1alpha1.ExitConditionManual {
		return last.Status
	}
	const why = "interrupted: the process that ran the Session ended before there was a verdict"
	return session.Interrupt(&last, why, c.config.Clock.Now())
}

// storeEnd stores the verdict of a run that is being ended.
func (c *Controller) storeEnd(ctx context.Context, r *run) error {
	for r.verdict != nil && !r.verdict.stored {
		err := c.writeVerdict(ctx, r)
		switch {
		case err == nil:
			return nil
		case !outdated(err):
			return err
		}
		if found, err := c.reread(ctx, r); err != nil || !found {
			return err
		}
	}
	return nil
}

// releaseEnded releases the Session of a run that is over, unless the next process is to run it again.
func (c *Controller) releaseEnded(ctx context.Context, r *run) error {
	for r.ending {
		if found, err := c.reread(ctx, r); err != nil || !found {
			return err
		}
		if _, err := c.release(ctx, r.session); !outdated(err) {
			return err
		}
	}
	return nil
}

// reread asks the server for the Session of a run. It reports whether the Session is still there.
func (c *Controller) reread(ctx context.Context, r *run) (found bool, err error) {
	stored, err := c.client.Get(ctx, r.name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read the Session again: %w", err)
	case stored.UID != r.uid:
		return false, nil
	}
	r.session = stored
	return true, nil
}
