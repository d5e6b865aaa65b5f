// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"time"

	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/session"
)

const (
	// verdictPatience is how long a verdict may take to be stored and seen by a
	// watch before the run is ended without that.
	verdictPatience = 5 * time.Second
	// catchUpTimeout bounds how long a run may take to tell of what has ended.
	catchUpTimeout = time.Second
	// A look at a run that's late by more than lateAfter is one of a process that
	// was stopped, or of a machine that's very busy. What has happened meanwhile has
	// lateGrace to become known before time leads to a verdict, but not more than
	// maxGraces times in a run.
	lateAfter = 250 * time.Millisecond
	lateGrace = time.Second
	maxGraces = 3
)

// verdict is what a run has come to.
type verdict struct {
	// status is whole, whatever of it can be stored.
	status  v1alpha1.SessionStatus
	reached time.Time
	// stored is true once it's stored, or when it never will be.
	stored bool
}

// confirm returns the verdict that a status of snap is, if what hasn't been looked
// at yet doesn't change it. A failure stands. Whether a run has succeeded, or has
// taken too long, is decided on the newest state, with all that has ended by now,
// and after a time in which nothing could be looked at not at once. Without a
// verdict it returns when to look again, zero if only another snapshot can change
// anything.
func (c *Controller) confirm(ctx context.Context, r *run, snap *engine.Snapshot, status v1alpha1.SessionStatus) (*verdict, time.Time) {
	switch session.VerdictOf(status) {
	case session.Succeeded, session.Timeout, session.ReadinessTimeout:
	default:
		return &verdict{status: status, reached: c.config.Clock.Now()}, time.Time{}
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	if err := r.control.CatchUp(ctx); err != nil {
		klog.FromContext(ctx).V(2).Info("The run doesn't tell what has ended", "session", r.name, "reason", err)
	}
	if newest := r.control.Snapshot(); newest.Version != snap.Version {
		var next time.Time
		status, next = c.status(r, r.refusal.refuse(newest))
		if !status.Done || newest.Tiltfile.Path != r.tiltfile {
			return nil, next
		}
	}
	now := c.config.Clock.Now()
	if !r.next.IsZero() && now.Sub(r.next) > lateAfter && r.graces < maxGraces {
		r.graces++
		r.grace = now.Add(lateGrace)
	}
	if now.Before(r.grace) {
		return nil, r.grace
	}
	return &verdict{status: status, reached: now}, time.Time{}
}

// storeVerdict stores the verdict of a run. When that isn't possible, or not for
// a while, the run is done all the same: what it has come to doesn't depend on
// who can be told.
func (c *Controller) storeVerdict(ctx context.Context, r *run) error {
	err := c.restore(ctx, r, true)
	if err == nil {
		err = c.updateStatus(ctx, r, r.verdict.status)
	}
	switch {
	case err == nil:
		r.verdict.stored = !r.missing
	case final(err):
		klog.FromContext(ctx).Error(err, "The verdict of a Session can't be stored", "session", r.name)
		r.verdict.stored = true
	case superseded(err):
		return c.reconsiderVerdict(ctx, r, err)
	case r.overdue(c.config.Clock.Now()) == 0:
		klog.FromContext(ctx).Error(err, "The verdict of a Session isn't stored yet", "session", r.name)
	default:
		c.queue.AddAfter(r.name, r.overdue(c.config.Clock.Now()))
		return err
	}
	c.finish(ctx, r)
	return nil
}

// finish notes that a run is done.
func (c *Controller) finish(ctx context.Context, r *run) {
	r.done = true
	recordMetrics(r.name, r.verdict.status)
	countVerdict(session.VerdictOf(r.verdict.status))
	c.queue.Add(r.name)
	klog.FromContext(ctx).V(2).Info("Session is done", "session", r.name, "verdict", session.VerdictOf(r.verdict.status))
}

// reconsiderVerdict is reconsider for the error of storing a verdict. It's reached
// anew if the spec isn't the one that it was reached by.
func (c *Controller) reconsiderVerdict(ctx context.Context, r *run, err error) error {
	generation := r.session.Generation
	if err := c.reconsider(ctx, r, err); err != nil {
		return err
	}
	if r.session.Generation != generation {
		r.verdict = nil
	}
	return nil
}

// storeLate stores the verdict of a run that has been done for long.
func (c *Controller) storeLate(ctx context.Context, r *run) error {
	err := c.updateStatus(ctx, r, r.verdict.status)
	switch {
	case superseded(err):
		return c.reconsider(ctx, r, err)
	case err != nil && !final(err):
		return err
	case err != nil:
		klog.FromContext(ctx).Error(err, "The verdict of a Session can't be stored", "session", r.name)
	}
	r.verdict.stored = true
	return nil
}

// overdue is how much longer a verdict may take to be stored and seen, 0 if it
// has taken for long enough.
func (r *run) overdue(now time.Time) time.Duration {
	return max(r.verdict.reached.Add(verdictPatience).Sub(now), 0)
}

// arrived tells whether a watch has seen the verdict of a run that's done, or
// won't in time. seen is what the watch knows of the Session.
func (c *Controller) arrived(r *run, seen *v1alpha1.Session) bool {
	if r.missing || seen == nil || seen.ResourceVersion == r.session.ResourceVersion || !r.verdict.stored {
		return true
	}
	left := r.overdue(c.config.Clock.Now())
	if left > 0 {
		c.queue.AddAfter(r.name, left)
	}
	return left == 0
}

// deliver calls Done, once, with the whole verdict.
func (c *Controller) deliver(r *run) {
	if r.delivered || c.config.Done == nil {
		return
	}
	r.delivered = true
	s := *r.session
	s.Status = session.Fit(r.verdict.status, 0, r.session, c.config.Clock.Now())
	c.config.Done(s.DeepCopy())
}
