// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/session"
)

// maxSuperseded is how many writes in a row may turn out to be of something
// outdated before the run goes on without them.
const maxSuperseded = 20

// publish writes what follows from the next snapshot of a run: the status. It makes sure that there's another look in time. Whether
// there's a verdict doesn't depend on what can be written: while writes fail, the
// newest snapshot is looked at instead of the next one.
func (c *Controller) publish(ctx context.Context, r *run) error {
	if r.verdict != nil && !equality.Semantic.DeepEqual(r.verdict.spec, r.session.Spec) {
		r.verdict = nil // It was of another spec.
	}
	if r.verdict != nil {
		return c.storeVerdict(ctx, r)
	}
	if r.failing {
		r.backlog.skip()
	}
	head := r.backlog.head()
	if head == nil {
		return nil
	}
	snap := head
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
	notWritten := c.restore(ctx, r, snap.Tiltfile.Evaluations != r.evaluations)
	if notWritten == nil {
		r.evaluations = snap.Tiltfile.Evaluations
	}
	if superseded(notWritten) && r.superseded < maxSuperseded {
		return c.reconsider(ctx, r, notWritten)
	}
	status, next := c.status(r, snap)
	if status.Done {
		if r.verdict, next = c.confirm(ctx, r, snap, status); r.verdict != nil {
			return c.storeVerdict(ctx, r)
		}
		status = session.Undecidedly(snap, c.undecided(r), c.config.Clock.Now())
	}
	r.next = next
	if !next.IsZero() {
		// Whatever comes of the writes.
		c.queue.AddAfter(r.name, next.Sub(c.config.Clock.Now()))
	}
	if r.refused != head {
		err := c.updateStatus(ctx, r, status)
		if err != nil && final(err) {
			klog.FromContext(ctx).Error(err, "The status of a Session can't be stored", "session", r.name)
			r.refused, err = head, nil
		}
		notWritten = cmp.Or(err, notWritten)
	}
	if notWritten != nil {
		return c.failed(ctx, r, notWritten)
	}
	r.failing, r.superseded = false, 0
	recordMetrics(r.name, status)
	if r.backlog.settle() {
		c.queue.Add(r.name)
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

// failed handles an error of a write: what was changed meanwhile is read again,
// everything else is tried again later.
func (c *Controller) failed(ctx context.Context, r *run, err error) error {
	if superseded(err) {
		return c.reconsider(ctx, r, err)
	}
	r.failing = true
	return err
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

// status is the status that follows from snap, and when to look again.
func (c *Controller) status(r *run, snap *engine.Snapshot) (v1alpha1.SessionStatus, time.Time) {
	return session.Status(snap, c.undecided(r), c.config.Clock.Now())
}

// undecided is the Session of a run as its next status continues it. Whether it's
// done isn't left to others who write its status.
func (c *Controller) undecided(r *run) *v1alpha1.Session {
	undecided := *r.session
	if r.unstored != nil {
		undecided.Status = *r.unstored
	}
	undecided.Status.Done = false
	return &undecided
}

// restore creates a deleted Session again if there's something to store in it
// that's wanted: the Tiltfile was evaluated since, or there's a verdict.
func (c *Controller) restore(ctx context.Context, r *run, wanted bool) error {
	if !r.missing || c.config.Durable || !wanted {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.writeTimeout(r))
	defer cancel()
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
