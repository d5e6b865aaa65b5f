// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"time"

	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/session"
)

const (
	// verdictPatience is how long a verdict may take to be stored. The run ends then without that.
	verdictPatience = 5 * time.Second
	// deliveryTimeout bounds how long Config.Delivered may take.
	deliveryTimeout = 5 * time.Second
	// catchUpTimeout bounds how long CatchUp waits.
	catchUpTimeout = time.Second
	// A look at a run that is later than due by more than lateAfter is one of a process that was stopped, or of a
	// very busy machine. What has happened meanwhile has lateGrace to become known before time leads to a verdict,
	// but at most maxGraces times in a run.
	lateAfter = 250 * time.Millisecond
	lateGrace = time.Second
	maxGraces = 3
)

// verdict is the end of a run.
type verdict struct {
	// status is whole, even if not all of it can be stored. It follows from spec.
	status  v1alpha1.SessionStatus
	spec    v1alpha1.SessionSpec
	reached time.Time
	// stored is true once it is stored, or never will be.
	stored bool
}

// patience is how much longer the verdict may take to be stored.
func (v *verdict) patience(now time.Time) time.Duration {
	return max(v.reached.Add(verdictPatience).Sub(now), 0)
}

func (c *Controller) newVerdict(r *run, status v1alpha1.SessionStatus) *verdict {
	return &verdict{status: status, spec: r.session.Spec, reached: c.config.Clock.Now()}
}

// confirm returns the verdict of a status that follows from snap, unless newer snapshots change it. A failure
// stands. Success and timeouts are decided on the newest state, with every process that has ended by now, and not
// at once after a time in which the Controller could not look. Without a verdict confirm returns when to look
// again, zero if only another snapshot can lead to one.
func (c *Controller) confirm(
	ctx context.Context,
	r *run,
	snap *engine.Snapshot,
	status v1alpha1.SessionStatus,
) (*verdict, time.Time) {
	switch session.VerdictOf(status) {
	case session.Succeeded, session.Timeout, session.ReadinessTimeout:
	default:
		return c.newVerdict(r, status), time.Time{}
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	err := r.control.CatchUp(ctx)
	now := c.config.Clock.Now()
	if err != nil && session.VerdictOf(status) == session.Succeeded {
		return nil, now.Add(catchUpTimeout) // A process may have ended.
	}
	if newest := r.control.Snapshot(); newest.Version != snap.Version {
		if newest.Tiltfile.Path != r.tiltfile {
			return nil, time.Time{} // It is published in its turn.
		}
		var next time.Time
		status, next = c.status(r, newest)
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

// fail makes the end of a run that ended by itself the verdict.
func (c *Controller) fail(ctx context.Context, r *run) error {
	if r.verdict == nil {
		last := *r.session
		last.Status = c.lastStatus(r)
		why := fmt.Sprintf("the run has failed: %v", r.err)
		r.verdict = c.newVerdict(r, session.Interrupt(&last, why, c.config.Clock.Now()))
	}
	return c.storeVerdict(ctx, r)
}

// storeVerdict stores the verdict of a run. If that has failed for verdictPatience, the run ends without it.
func (c *Controller) storeVerdict(ctx context.Context, r *run) error {
	if err := c.writeVerdict(ctx, r); err != nil {
		if left := r.verdict.patience(c.config.Clock.Now()); left > 0 {
			c.queue.AddAfter(r.name, left)
			return err
		}
		klog.FromContext(ctx).Error(err, "The verdict of a Session isn't stored yet", "session", r.name)
	}
	c.conclude(r)
	c.runs.group.Go(func() {
		if c.config.Delivered != nil {
			delivering, cancel := context.WithTimeout(c.requests, deliveryTimeout)
			defer cancel()
			c.config.Delivered(delivering)
		}
		close(r.delivered)
		c.queue.Add(r.name)
	})
	return nil
}

// writeVerdict writes the status of a verdict, without targets if the storage refuses it for its content. A storage
// that refuses that, too, does not get it again.
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
	r.verdict.stored = err == nil
	return err
}

// conclude notes that the verdict of a run won't change.
func (c *Controller) conclude(r *run) {
	r.concluded = true
	recordMetrics(r.name, r.verdict.status)
	doneMetric.Inc()
	verdict := session.VerdictOf(r.verdict.status)
	if verdict != session.Succeeded {
		failuresMetric.Inc()
	}
	klog.FromContext(c.requests).V(2).Info("Session is done", "session", r.name, "verdict", verdict)
}
