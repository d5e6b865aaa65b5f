// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
)

// settle does what's to be done for a Session that isn't being run. It returns
// a run if there's one to start.
func (c *Controller) settle(ctx context.Context, s *v1alpha1.Session) (*run, error) {
	now := c.config.Clock.Now()
	refusal := session.Unrunnable(s)
	switch {
	case s.DeletionTimestamp != nil:
		c.unbegun.Delete(s.UID)
		_, err := c.release(ctx, s)
		return nil, outdated(err)
	case !c.config.Runs(s):
		return nil, nil
	case s.Status.Done:
		return nil, c.retire(ctx, s)
	case c.interrupted(s):
		return nil, c.refuse(ctx, s, session.Interrupt(s, endOfServer(s), now))
	case refusal != nil:
		return nil, c.refuse(ctx, s, session.Refusal(s, refusal, now))
	case !c.slots.take(s):
		return nil, c.ensureStatus(ctx, s, session.Waiting(s, now))
	}
	r, err := c.begin(ctx, s)
	switch {
	case err != nil && !final(err):
		c.slots.giveBack(s.UID)
	case r == nil:
		c.enqueue(c.slots.free(s.UID))
	}
	return r, outdated(err)
}

// begin prepares the run of a Session, none if there's a verdict without it.
// Before anything of the run can happen it's stored that it has begun, or it
// might be begun twice.
func (c *Controller) begin(ctx context.Context, s *v1alpha1.Session) (*run, error) {
	stored, err := c.hold(ctx, s)
	if err != nil {
		return nil, err
	}
	r, err := c.prepare(stored)
	if err != nil {
		return nil, err
	}
	status, _ := c.status(r, r.control.Snapshot())
	if status.Done {
		return nil, c.refuse(ctx, stored, status)
	}
	// A write that fails may have happened all the same.
	c.unbegun.Store(s.UID, true)
	if err := c.updateStatus(ctx, r, status); err != nil {
		return nil, err
	}
	c.unbegun.Delete(s.UID)
	return r, nil
}

// refuse stores the status of a Session that says why it isn't run, and tells.
func (c *Controller) refuse(ctx context.Context, s *v1alpha1.Session, status v1alpha1.SessionStatus) error {
	stored, err := c.changeStatus(ctx, s, status)
	if stored != nil && c.config.NotRun != nil {
		c.config.NotRun(stored)
	}
	return err
}

// ensureStatus stores the status of a Session that isn't being run unless it's
// stored already.
func (c *Controller) ensureStatus(ctx context.Context, s *v1alpha1.Session, status v1alpha1.SessionStatus) error {
	_, err := c.changeStatus(ctx, s, status)
	return err
}

// changeStatus is ensureStatus that returns what it has stored, nil if nothing.
func (c *Controller) changeStatus(ctx context.Context, s *v1alpha1.Session, status v1alpha1.SessionStatus) (*v1alpha1.Session, error) {
	limit := 0
	stored, err := c.storeStatus(ctx, s, status, &limit)
	return stored, outdated(err)
}

// retire deletes a Session that's done when its time has come.
func (c *Controller) retire(ctx context.Context, s *v1alpha1.Session) error {
	if released, err := c.release(ctx, s); released || err != nil {
		return outdated(err)
	}
	at, now := session.Expiry(s), c.config.Clock.Now()
	switch {
	case at.IsZero():
		return nil
	case now.Before(at):
		c.queue.AddAfter(s.Name, at.Sub(now))
		return nil
	}
	err := c.client.Delete(ctx, s.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &s.UID, ResourceVersion: &s.ResourceVersion},
	})
	if err != nil {
		return outdated(fmt.Errorf("deleting the Session, as its ttlSecondsAfterFinished asks: %w", err))
	}
	return nil
}

// essence leaves out what a Durable Controller doesn't need to know of the many
// Sessions that are done.
func essence(obj any) (any, error) {
	if s, ok := obj.(*v1alpha1.Session); ok {
		s.ManagedFields = nil
		if s.Status.Done {
			s.Status.Targets = nil
		}
	}
	return obj, nil
}
