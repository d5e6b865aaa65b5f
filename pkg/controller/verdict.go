// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
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
	// catchUpTimeout bounds how long CatchUp waits.
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
	// status is whole, whatever of it can be stored, and follows from spec.
	status  v1alpha1.SessionStatus
	spec    v1alpha1.SessionSpec
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
		return c.newVerdict(r, status), time.Time{}
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	err := r.control.CatchUp(ctx)
	now := c.config.Clock.Now()
	if errors.Is(err, context.DeadlineExceeded) && session.VerdictOf(status) == session.Succeeded {
		return nil, now.Add(catchUpTimeout) // Something may have ended.
	}
	if newest := r.control.Snapshot(); newest.Version != snap.Version {
		if newest.Tiltfile.Path != r.tiltfile || newest.Tiltfile.Evaluations != r.evaluations {
			return nil, time.Time{} // It's published in its turn.
		}
		var next time.Time
		status, next = c.status(r, r.refusal.refuse(newest))
		if !status.Done {
			return nil, next
		}
	}
	if !r.next.IsZero() && now.Sub(r.next) > lateAfter && r.graces < maxGraces {
		r.graces++
		r.grace = now.Add(lateGrace)
	}
	if now.Before(r.grace) {
		return nil, r.grace
	}
	return c.newVerdict(r, status), time.Time{}
}

func (c *Controller) newVerdict(r *run, status v1alpha1.SessionStatus) *verdict {
	return &verdict{status: status, spec: r.session.Spec, reached: c.config.Clock.Now()}
}

// storeVerdict stores the verdict of a run. When that isn't possible, or not for
// a while, the run is done all the same: what it has come to doesn't depend on
// who can be told.
func (c *Controller) storeVerdict(ctx context.Context, r *run) error {
	err := c.restore(ctx, r, true)
	if err == nil {
		err = c.writeVerdict(ctx, r)
	}
	switch {
	case err == nil:
	case r.overdue(c.config.Clock.Now()) == 0:
		klog.FromContext(ctx).Error(err, "The verdict of a Session isn't stored yet", "session", r.name)
	case superseded(err):
		return c.reconsider(ctx, r, err)
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

// storeLate stores the verdict of a run that has been done for long.
func (c *Controller) storeLate(ctx context.Context, r *run) error {
	err := c.writeVerdict(ctx, r)
	if superseded(err) {
		return c.reconsider(ctx, r, err)
	}
	return err
}

// writeVerdict writes the status of a verdict or, if that's refused for what's in
// it, one without targets. It's no use to try it again if that's refused too.
func (c *Controller) writeVerdict(ctx context.Context, r *run) error {
	err := c.updateStatus(ctx, r, r.verdict.status)
	if err != nil && final(err) {
		klog.FromContext(ctx).Error(err, "The whole verdict of a Session can't be stored", "session", r.name)
		least := r.verdict.status
		least.Targets = []v1alpha1.Target{}
		err = c.updateStatus(ctx, r, least)
	}
	if err != nil && final(err) {
		klog.FromContext(ctx).Error(err, "The verdict of a Session can't be stored", "session", r.name)
		err = nil
	}
	if err == nil {
		r.verdict.stored = !r.missing
	}
	return err
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
