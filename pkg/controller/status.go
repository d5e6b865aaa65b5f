// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/session"
)

// maxConflicts is how many conflicts in a row a run takes for those of a busy Session, of which each snapshot is
// still published. After more it counts as failing.
const maxConflicts = 20

// publish writes the status that follows from the next snapshot of a run, or its verdict, and makes sure that the
// run is reconciled again in time. While writes fail it looks at the newest snapshot instead of the next.
func (c *Controller) publish(ctx context.Context, r *run) error {
	if r.verdict != nil && !equality.Semantic.DeepEqual(r.verdict.spec, r.session.Spec) {
		r.verdict = nil // It follows from another spec.
	}
	if r.verdict != nil {
		return c.storeVerdict(ctx, r)
	}
	if r.failing {
		r.backlog.skip()
	}
	head := r.backlog.head()
	switch {
	case head == nil:
		return nil
	case head.Tiltfile.Path != r.tiltfile:
		c.published(r) // It is of the previous Tiltfile.
		return nil
	}
	snap := r.refusal.apply(head)
	if many(snap) {
		begin := c.config.Clock.Now()
		due := !r.next.IsZero() && !begin.Before(r.next)
		admitted, rest := c.admission.beginWrite(r, begin, due || session.MayEnd(snap, r.session))
		if !admitted {
			if rest > 0 {
				c.queue.AddAfter(r.name, rest)
			}
			return nil
		}
		defer func() { c.enqueue(c.admission.endWrite(r, begin, c.config.Clock.Now())) }()
	}

	status, next := c.status(r, snap)
	if status.Done {
		if r.verdict, next = c.confirm(ctx, r, snap, status); r.verdict != nil {
			return c.storeVerdict(ctx, r)
		}
		status = session.Undecidedly(snap, r.undecided(), c.config.Clock.Now())
	}
	r.next = next
	if !next.IsZero() {
		c.queue.AddAfter(r.name, next.Sub(c.config.Clock.Now()))
	}
	if r.refused == head {
		return nil
	}
	switch err := c.updateStatus(ctx, r, status); {
	case err == nil:
	case final(err):
		klog.FromContext(ctx).Error(err, "The status of a Session can't be stored", "session", r.name)
		r.refused = head
	default:
		if outdated(err) {
			r.conflicts++
		}
		r.failing = !outdated(err) || r.conflicts > maxConflicts
		return err
	}
	r.failing, r.conflicts = false, 0
	recordMetrics(r.name, status)
	c.published(r)
	return nil
}

// published goes on to the next snapshot.
func (c *Controller) published(r *run) {
	if r.backlog.done() {
		c.queue.Add(r.name)
	}
}

// status returns the status that follows from a snapshot, and when to look again.
func (c *Controller) status(r *run, snap *engine.Snapshot) (v1alpha1.SessionStatus, time.Time) {
	return session.Status(snap, r.undecided(), c.config.Clock.Now())
}

// undecided is the Session as its next status continues it. A foreign writer of the status does not decide whether
// it is done.
func (r *run) undecided() *v1alpha1.Session {
	undecided := *r.session
	undecided.Status.Done = false
	return &undecided
}

// lastStatus is the status of the newest snapshot, without a verdict.
func (c *Controller) lastStatus(r *run) v1alpha1.SessionStatus {
	if snap := r.control.Snapshot(); snap.Tiltfile.Path == r.tiltfile {
		return session.Undecidedly(r.refusal.apply(snap), r.undecided(), c.config.Clock.Now())
	}
	status := r.session.Status
	status.Done = false
	return status
}
