// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/session"
)

// reconcile takes one Session a step further. An error means that it has to be repeated.
func (c *Controller) reconcile(ctx context.Context, name string) error {
	stored, err := c.sessions.Get(name)
	switch {
	case apierrors.IsNotFound(err):
		stored = nil
	case err != nil:
		return err
	}
	r := c.runs.get(name)
	switch {
	case r == nil && stored == nil:
		return nil
	case r == nil:
		return c.reconcileIdle(ctx, stored)
	}
	if stored != nil && stored.UID != r.uid {
		stored = nil // A new Session has the name now. It runs after the end of this one.
	}
	if c.lost() != nil && !r.ending {
		return nil // Run is about to end all runs.
	}
	if stored != nil && !c.mine(stored) && newer(stored, r.session) && !r.ending {
		c.endUnclaimed(ctx, r)
		return nil
	}
	deleted := stored == nil || stored.DeletionTimestamp != nil
	switch {
	case r.ending && isClosed(r.over):
		return c.forget(ctx, r, stored)
	case r.ending && stored != nil && deleted && c.mine(stored):
		return c.showEnding(ctx, stored)
	case r.ending:
		return nil
	case deleted:
		c.finish(r)
		return nil
	}
	if newer(stored, r.session) {
		r.session = stored // The watch may not have seen yet what was written here.
	}
	switch {
	case r.concluded && isClosed(r.delivered):
		c.finish(r)
		return nil
	case r.concluded:
		return nil
	case isClosed(r.over):
		return c.fail(ctx, r)
	case c.handsOver(r):
		c.handOver(r)
		return nil
	}
	return c.advance(ctx, r)
}

// advance applies what has changed in the Session to its run, and publishes what has changed in the run. An error
// of the storage does not keep a run from its verdict.
func (c *Controller) advance(ctx context.Context, r *run) error {
	notHeld := c.holdAgain(ctx, r)
	if outdated(notHeld) {
		return notHeld
	}
	if session.Unrunnable(r.session) == nil {
		if err := r.follow(ctx); err != nil {
			return err
		}
	}
	return errors.Join(notHeld, c.publish(ctx, r))
}

func (r *run) follow(ctx context.Context) error {
	spec := &r.session.Spec
	if want := session.FailFast(r.session); want != r.failFast {
		r.control.SetFailFast(want)
		r.failFast = want
	}
	if path := filepath.Clean(spec.TiltfilePath); path != r.tiltfile {
		if err := r.control.SetTiltfile(ctx, path); err != nil {
			return fmt.Errorf("change the Tiltfile to %s: %w", path, err)
		}
		r.tiltfile = path
	}
	if !slices.Equal(spec.Args, r.args) {
		if _, err := r.control.SetArgs(ctx, spec.Args); err != nil {
			return fmt.Errorf("change the arguments of the Tiltfile: %w", err)
		}
		r.args = spec.Args
	}
	return nil
}

// newer reports whether a was stored after b.
func newer(a, b *v1alpha1.Session) bool {
	order, err := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion)
	return err != nil || order > 0
}

// reconcileIdle reconciles a Session without a run: it starts the run, or shows why there is none.
func (c *Controller) reconcileIdle(ctx context.Context, s *v1alpha1.Session) error {
	switch {
	case c.lost() != nil:
		return nil //nolint:nilerr // Run is about to end.
	case s.DeletionTimestamp != nil:
		c.uncertain.Delete(s.UID)
		c.raced.Delete(s.UID)
		c.reportUnstarted(s, true)
		if !c.mine(s) {
			return nil
		}
		_, err := c.release(ctx, s)
		return err
	case !c.config.Runs(s), !c.claimable(s):
		c.enqueue(c.admission.withdraw(s.UID))
		return nil
	case s.Status.Done:
		c.reportUnstarted(s, false)
		return c.expire(ctx, s)
	}
	if !c.mine(s) {
		claimed, err := c.acquire(ctx, s)
		if claimed == nil {
			return err
		}
		s = claimed
	}
	return c.reconcileUnstarted(ctx, s)
}

// reconcileUnstarted starts the run of a Session that this process is to run, or shows why there is none.
func (c *Controller) reconcileUnstarted(ctx context.Context, s *v1alpha1.Session) error {
	now := c.config.Clock.Now()
	refusal := session.Unrunnable(s)
	switch {
	case c.interrupted(s):
		c.dismiss(s.UID)
		return c.refuse(ctx, s, session.Interrupt(s, endOfServer(s), now), nil)
	case refusal != nil:
		c.dismiss(s.UID)
		status, _ := session.Status(&engine.Snapshot{}, s, now)
		return c.refuse(ctx, s, status, refusal)
	case !c.admission.admitted(s.UID) && !c.admission.admit(s):
		_, err := c.ensureStatus(ctx, s, session.Waiting(s, now))
		return err
	}
	return c.start(ctx, s)
}

// interrupted reports whether another process ended while it ran a ci Session, which may not run twice.
func (c *Controller) interrupted(s *v1alpha1.Session) bool {
	_, uncertain := c.uncertain.Load(s.UID)
	return session.Begun(&s.Status) && !s.Status.Done && s.Spec.ExitCondition != v1alpha1.ExitConditionManual && !uncertain
}

// endOfServer is the error of a Session whose process ended without storing that.
func endOfServer(s *v1alpha1.Session) string {
	return fmt.Sprintf(
		"interrupted: process %d had been running the Session since %s and ended before there was a verdict",
		s.Status.PID,
		s.Status.StartTime.UTC().Format(time.RFC3339Nano),
	)
}

// start starts the run of a Session that is admitted, when its start is stored.
func (c *Controller) start(ctx context.Context, s *v1alpha1.Session) error {
	r, err := c.begin(ctx, s)
	switch {
	case r != nil:
		klog.FromContext(ctx).V(2).Info("Starting to run Session", "session", s.Name, "uid", s.UID)
		c.runs.start(r, func() { c.queue.Add(s.Name) })
	case err != nil && !final(err):
		c.enqueue(c.admission.postpone(s.UID))
		if now, gone := c.sessions.Get(s.Name); gone != nil || now.UID != s.UID || now.DeletionTimestamp != nil {
			c.enqueue(c.admission.withdraw(s.UID)) // It was deleted while it was to start.
		}
	default:
		c.enqueue(c.admission.release(s.UID))
	}
	return err
}

// begin prepares the run of a Session and stores its start. There is no run if the Session has a verdict without
// one.
func (c *Controller) begin(ctx context.Context, s *v1alpha1.Session) (*run, error) {
	held, err := c.hold(ctx, s)
	if err != nil {
		return nil, err
	}
	r := c.newRun(held)
	status, _ := c.status(r, r.control.Snapshot())
	if status.Done {
		return nil, c.refuse(ctx, held, status, nil)
	}
	c.uncertain.Store(s.UID, true)
	if err := c.updateStatus(ctx, r, status); err != nil {
		return nil, err
	}
	c.uncertain.Delete(s.UID)
	if err := c.lost(); err != nil { // This process was stopped, or the answer took long.
		return nil, err
	}
	return r, nil
}

// refuse stores the status of a Session that does not run because of err or of its verdict, and reports it once.
func (c *Controller) refuse(ctx context.Context, s *v1alpha1.Session, status v1alpha1.SessionStatus, err error) error {
	stored, writeErr := c.ensureStatus(ctx, s, status)
	if stored != nil {
		c.runs.forgetUnstarted(stored.UID)
		c.report(Outcome{Session: stored, Err: err})
	}
	return writeErr
}

// reportUnstarted reports, once, the end of a Session that was to run and has no run.
func (c *Controller) reportUnstarted(s *v1alpha1.Session, deleted bool) {
	if c.runs.forgetUnstarted(s.UID) {
		c.report(Outcome{Session: s, Deleted: deleted})
	}
}

func (c *Controller) report(o Outcome) {
	if c.config.Finished != nil {
		c.config.Finished(o)
	}
}

// ensureStatus stores the status of a Session without a run, and returns what is stored then, nil if that was
// stored already.
func (c *Controller) ensureStatus(
	ctx context.Context,
	s *v1alpha1.Session,
	status v1alpha1.SessionStatus,
) (*v1alpha1.Session, error) {
	limit := 0
	return c.storeStatus(ctx, s, status, &limit)
}

// expire deletes a Session that is done when its time has come.
func (c *Controller) expire(ctx context.Context, s *v1alpha1.Session) error {
	if c.config.Claims != nil {
		if !c.mine(s) {
			return nil
		}
		_, err := c.release(ctx, s)
		return err
	}
	if released, err := c.release(ctx, s); released || err != nil {
		return err
	}
	at := session.Expiry(s)
	if at.IsZero() {
		return nil
	}
	if left := at.Sub(c.config.Clock.Now()); left > 0 {
		c.queue.AddAfter(s.Name, left)
		return nil
	}
	err := c.client.Delete(ctx, s.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &s.UID, ResourceVersion: &s.ResourceVersion},
	})
	if err != nil {
		return fmt.Errorf("delete the Session when its spec.ttlSecondsAfterFinished has passed: %w", err)
	}
	return nil
}
