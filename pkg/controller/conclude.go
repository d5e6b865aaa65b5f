// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
)

// interrupted tells whether a Session that isn't being run was by a process that
// has ended, so that nobody knows how far it came.
func (c *Controller) interrupted(s *v1alpha1.Session) bool {
	_, unbegun := c.unbegun.Load(s.UID)
	return session.Begun(&s.Status) && !s.Status.Done && s.Spec.ExitCondition != v1alpha1.ExitConditionManual && !unbegun
}

// endOfServer is the error of a Session that was interrupted by the end of the
// process that ran it.
func endOfServer(s *v1alpha1.Session) string {
	return fmt.Sprintf("interrupted by the end of the server: process %d had been running it since %s, and there was no verdict",
		s.Status.PID, s.Status.StartTime.UTC().Format(time.RFC3339Nano))
}

// fail stores that a run has ended by itself, as it never should.
func (c *Controller) fail(ctx context.Context, r *run) error {
	if r.verdict == nil {
		now := c.config.Clock.Now()
		r.verdict = c.newVerdict(r, session.Interrupt(r.session, fmt.Sprintf("the run has failed: %v", r.err), now))
	}
	return c.storeVerdict(ctx, r)
}

// close waits for all runs, which are being ended, and returns what went wrong.
// Of a Durable Controller ci Sessions without a verdict are known to be
// interrupted then.
func (c *Controller) close(lifetime context.Context) []error {
	defer c.slots.clear()
	if !c.config.Durable {
		return c.runs.wait()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(lifetime), requestsTimeout)
	defer cancel()
	var errs []error
	for _, r := range c.runs.all() {
		if err := c.conclude(ctx, r); err != nil {
			errs = append(errs, fmt.Errorf("storing the end of Session %q: %w", r.name, err))
		}
	}
	errs = append(errs, c.runs.wait()...)
	return append(errs, c.releaseAll(lifetime)...)
}

// conclude stores the last status of a run that's being ended with this process.
func (c *Controller) conclude(ctx context.Context, r *run) error {
	if r.verdict == nil && !r.ending && !r.missing {
		if status, wanted := c.conclusion(r); wanted {
			r.verdict = c.newVerdict(r, status)
		}
	}
	for r.verdict != nil && !r.verdict.stored && !r.missing {
		if err := c.storeLate(ctx, r); err != nil {
			return err
		}
	}
	if r.verdict != nil && r.verdict.stored && !r.done {
		c.finish(ctx, r)
	}
	return nil
}

// conclusion is the last status of a run: that of its last state if that's a
// failure by the time at which the end began, and otherwise, if a verdict was wanted,
// that it was interrupted. Success takes a look at what has ended, which can't be
// had any more.
func (c *Controller) conclusion(r *run) (status v1alpha1.SessionStatus, wanted bool) {
	if snap := r.control.Snapshot(); snap.Tiltfile.Path == r.tiltfile {
		status, _ := session.Status(r.refusal.refuse(snap), c.undecided(r), c.stopped)
		if status.Done && session.VerdictOf(status) != session.Succeeded {
			return status, true
		}
	}
	if r.session.Spec.ExitCondition == v1alpha1.ExitConditionManual {
		return v1alpha1.SessionStatus{}, false
	}
	return session.Interrupt(r.session, endOfServer(r.session), c.config.Clock.Now()), true
}

// releaseAll lets Sessions be deleted whose runs, which are over, nobody would
// start again.
func (c *Controller) releaseAll(lifetime context.Context) []error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(lifetime), requestsTimeout)
	defer cancel()
	var errs []error
	for _, r := range c.runs.all() {
		if !r.done && !r.ending {
			continue
		}
		if err := c.releaseStored(ctx, r); err != nil {
			errs = append(errs, fmt.Errorf("ending Session %q: %w", r.name, err))
		}
	}
	return errs
}

// releaseStored releases the Session of a run as it's stored now.
func (c *Controller) releaseStored(ctx context.Context, r *run) error {
	for {
		if err := c.reread(ctx, r); err != nil || r.missing {
			return err
		}
		if _, err := c.release(ctx, r.session); !apierrors.IsConflict(err) {
			return outdated(err)
		}
	}
}
