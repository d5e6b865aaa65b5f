// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"

	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
)

// sustain does what's to be done for one Session of a Durable Controller. seen
// is what the watch knows of it, nil if it's gone.
func (c *Controller) sustain(lifetime context.Context, name string, seen *v1alpha1.Session) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(lifetime), requestsTimeout)
	defer cancel()
	r := c.runs.get(name)
	switch {
	case r == nil && seen == nil:
		return nil
	case r == nil:
		begun, err := c.settle(ctx, seen)
		if begun != nil {
			klog.FromContext(ctx).V(2).Info("Starting to run Session", "session", name, "uid", begun.uid)
			c.runs.start(lifetime, begun)
		}
		return err
	case r.ending && r.isOver():
		return c.bury(ctx, r, seen)
	case r.ending:
		return c.tellEnding(ctx, r, seen)
	case seen == nil || seen.UID != r.uid || seen.DeletionTimestamp != nil:
		c.end(r)
		return nil
	}
	notRead := c.refresh(ctx, r, seen)
	if r.done {
		// Its end is to be known to all before it's torn down.
		if c.arrived(r, seen) {
			c.deliver(r)
			c.end(r)
		}
		return nil
	}
	if r.isOver() {
		return c.fail(ctx, r)
	}
	return errors.Join(notRead, c.advance(ctx, r))
}

// advance goes on with a run: what has changed in the Session acts on it, and
// what has changed in it is published. What can't be read or written keeps no run
// from its verdict.
func (c *Controller) advance(ctx context.Context, r *run) error {
	notHeld := c.holdAgain(ctx, r)
	if superseded(notHeld) {
		return c.reconsider(ctx, r, notHeld)
	}
	r.refusal.set(session.Unrunnable(r.session), c.config.Clock.Now())
	if r.refusal.err == nil {
		if err := r.follow(ctx); err != nil {
			return err
		}
		if err := r.followArgs(ctx); err != nil {
			return err
		}
	}
	return errors.Join(notHeld, c.publish(ctx, r))
}

// holdAgain restores the finalizer of a run if a client has removed it.
func (c *Controller) holdAgain(ctx context.Context, r *run) error {
	ctx, cancel := context.WithTimeout(ctx, c.writeTimeout(r))
	defer cancel()
	stored, err := c.hold(ctx, r.session)
	if err == nil {
		r.session = stored
	}
	return err
}

// isOver tells whether nothing is left of the run.
func (r *run) isOver() bool {
	select {
	case <-r.over:
		return true
	default:
		return false
	}
}

// end ends a run that isn't wanted any more, and has the Session reconciled when
// it's over.
func (c *Controller) end(r *run) {
	r.ending = true
	r.stop()
	c.queue.Add(r.name)
}

// durableRunIsOver is called when a run has ended, which concerns nobody else.
func (c *Controller) durableRunIsOver(lifetime context.Context) func(*run, error) {
	return func(r *run, err error) {
		switch {
		case err != nil && lifetime.Err() != nil:
			c.runs.note(r, err)
		case err != nil:
			klog.FromContext(lifetime).Error(err, "The run of a Session has failed", "session", r.name, "uid", r.uid)
		}
		r.err = err
		close(r.over)
		c.queue.Add(r.name)
	}
}

// tellEnding shows that a deleted Session is being ended, which may take a while.
func (c *Controller) tellEnding(ctx context.Context, r *run, seen *v1alpha1.Session) error {
	if seen == nil || seen.UID != r.uid || seen.DeletionTimestamp == nil || seen.Status.Done {
		return nil
	}
	return c.ensureStatus(ctx, seen, session.Ending(seen, c.config.Clock.Now()))
}

// bury forgets a run that's over, when its Session may be deleted. A verdict that
// couldn't be stored is before.
func (c *Controller) bury(ctx context.Context, r *run, seen *v1alpha1.Session) error {
	if r.verdict != nil && !r.verdict.stored && seen != nil && seen.UID == r.uid && seen.DeletionTimestamp == nil {
		if err := c.storeLate(ctx, r); err != nil || !r.verdict.stored {
			return err
		}
		c.queue.Add(r.name)
		return nil
	}
	released := false
	if seen != nil && seen.UID == r.uid {
		var err error
		if released, err = c.release(ctx, seen); err != nil {
			return outdated(err)
		}
	}
	c.runs.remove(r)
	c.enqueue(c.slots.free(r.uid))
	if !released { // otherwise the watch is about to tell
		c.queue.Add(r.name)
	}
	klog.FromContext(ctx).V(2).Info("Session isn't run any more", "session", r.name, "uid", r.uid)
	return nil
}
