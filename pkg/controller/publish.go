// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/session"
)

// publish writes what follows from the next snapshot of a run: first spec.ci,
// then the status. It makes sure that there's another look in time.
func (c *Controller) publish(ctx context.Context, r *run) error {
	snap := r.backlog.head()
	if snap == nil {
		return nil
	}
	if snap.Tiltfile.Path != r.tiltfile {
		return c.leaveOut(r)
	}
	snap = r.refusal.refuse(snap)
	if rest := r.rest(snap, c.config.Clock.Now()); rest > 0 {
		c.queue.AddAfter(r.name, rest)
		return nil
	}
	if many(snap) {
		if !c.large.take(r.name) {
			return nil // it's in the queue again when it's its turn
		}
		defer c.nextLarge()
	}
	if err := c.restore(ctx, r, snap); err != nil {
		return c.reconsider(ctx, r, err)
	}
	if err := c.updateSpec(ctx, r, snap); err != nil {
		return c.reconsider(ctx, r, err)
	}
	status, next := c.status(r, snap)
	if err := c.updateStatus(ctx, r, status); err != nil {
		return c.reconsider(ctx, r, err)
	}
	recordMetrics(r.name, status)
	r.next = next
	more := r.backlog.settle()
	switch {
	case r.done:
	case more:
		c.queue.Add(r.name)
	case !next.IsZero():
		c.queue.AddAfter(r.name, next.Sub(c.config.Clock.Now()))
	}
	return nil
}

// leaveOut passes over a snapshot that the run made before it knew which
// Tiltfile it's to run now.
func (c *Controller) leaveOut(r *run) error {
	if r.backlog.settle() {
		c.queue.Add(r.name)
	}
	return nil
}

// rest is how long snap isn't published yet because others with as many
// resources were a moment ago. A verdict isn't delayed.
func (r *run) rest(snap *engine.Snapshot, now time.Time) time.Duration {
	rest := r.pace.rest(now)
	due := !r.next.IsZero() && !now.Before(r.next)
	if rest == 0 || !many(snap) || due || session.MayEnd(snap, r.session) {
		return 0
	}
	return rest
}

// status is the status that follows from snap, and when to look again. Whether
// the Session is done isn't left to others who write its status.
func (c *Controller) status(r *run, snap *engine.Snapshot) (v1alpha1.SessionStatus, time.Time) {
	undecided := *r.session
	if r.unstored != nil {
		undecided.Status = *r.unstored
	}
	undecided.Status.Done = false
	return session.Status(snap, &undecided, c.config.Clock.Now())
}

// updateSpec replaces spec.ci once after each evaluation of the Tiltfile, by
// what that left. Changes that others make afterwards stay until the next one.
func (c *Controller) updateSpec(ctx context.Context, r *run, snap *engine.Snapshot) error {
	if r.missing || snap.Tiltfile.Evaluations == r.evaluations {
		return nil
	}
	changed := *r.session
	changed.Spec.CI = session.CISpec(r.created, snap.Tiltfile.CI)
	if !equality.Semantic.DeepEqual(changed.Spec, r.session.Spec) {
		// A write of the main resource doesn't change the status, so needn't have it.
		changed.Status = v1alpha1.SessionStatus{}
		stored, err := c.client.Update(ctx, &changed, metav1.UpdateOptions{FieldManager: FieldManager})
		if err != nil {
			return fmt.Errorf("writing the spec: %w", err)
		}
		r.session = stored
	}
	r.evaluations = snap.Tiltfile.Evaluations
	return nil
}

// restore creates a deleted Session again if the Tiltfile was evaluated since,
// or if there's a verdict to store.
func (c *Controller) restore(ctx context.Context, r *run, snap *engine.Snapshot) error {
	if !r.missing || c.config.Durable {
		return nil
	}
	if status, _ := c.status(r, snap); !status.Done && snap.Tiltfile.Evaluations == r.evaluations {
		return nil
	}
	stored, err := c.client.Create(ctx, &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{
			Name:        r.name,
			Labels:      r.session.Labels,
			Annotations: r.session.Annotations,
		},
		Spec: r.session.Spec,
	}, metav1.CreateOptions{FieldManager: FieldManager})
	if err != nil {
		return fmt.Errorf("creating the deleted Session again: %w", err)
	}
	r.session, r.missing = stored, false
	return nil
}
