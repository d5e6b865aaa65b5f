// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
)

// outcome is the end of a run: its verdict or, before there is one, its deletion.
func (c *Controller) outcome(r *run) Outcome {
	s, end := *r.session, Outcome{Run: r.control, Deleted: r.verdict == nil}
	if end.Deleted {
		s.Status = c.lastStatus(r)
	} else {
		s.Status = session.Fit(r.verdict.status, 0, r.session, c.config.Clock.Now())
	}
	if isClosed(r.over) {
		end.Err = r.err
	}
	end.Session = s.DeepCopy()
	return end
}

// finish reports the end of a Session and ends its run. The Session is reconciled again then.
func (c *Controller) finish(r *run) {
	r.ending = true
	if c.config.Finished != nil {
		c.config.Finished(c.outcome(r))
	}
	r.cancel()
	c.queue.Add(r.name)
}

// showEnding shows that a deleted Session is being ended, which may take a while.
func (c *Controller) showEnding(ctx context.Context, s *v1alpha1.Session) error {
	if s.Status.Done {
		return nil
	}
	_, err := c.ensureStatus(ctx, s, session.Ending(s, c.config.Clock.Now()))
	return err
}

// forget forgets a run that is over and releases its Session, nil if that is gone. A verdict that could not be
// stored is stored before.
func (c *Controller) forget(ctx context.Context, r *run, stored *v1alpha1.Session) error {
	released := false
	if stored != nil {
		if newer(r.session, stored) {
			return nil // The watch is about to report what was written last.
		}
		r.session = stored
		var err error
		if released, err = c.settle(ctx, r); err != nil {
			return err
		}
	}
	c.runs.remove(r)
	c.enqueue(c.admission.release(r.uid))
	if !released { // Otherwise the watch is about to report that.
		c.queue.Add(r.name)
	}
	klog.FromContext(ctx).V(2).Info("Session has ended", "session", r.name, "uid", r.uid)
	return nil
}

// settle stores what is left to store of a run that is over, and releases its Session. It reports whether the watch is
// about to report that.
func (c *Controller) settle(ctx context.Context, r *run) (released bool, err error) {
	due := r.verdict != nil && !r.verdict.stored && !r.handedOver && r.session.DeletionTimestamp == nil
	if due && c.mine(r.session) && !c.decided(r) {
		if err := c.writeVerdict(ctx, r); err != nil {
			return false, err
		}
	}
	return c.leave(ctx, r)
}

// leave releases the Session of a run that is over, or hands it over. It reports whether the watch is about to report
// that.
func (c *Controller) leave(ctx context.Context, r *run) (released bool, err error) {
	switch {
	case !c.mine(r.session) && r.session.Status.Runner != nil:
		return false, nil
	case c.mine(r.session) && r.handedOver && r.session.DeletionTimestamp == nil:
		return true, c.unclaim(ctx, r)
	}
	return c.release(ctx, r.session) // Without a claim no process can claim it before.
}

// decided reports whether another process may have given a Session its verdict, because the claims of this one are
// lost. Nothing replaces that verdict.
func (c *Controller) decided(r *run) bool { return r.session.Status.Done && c.lost() != nil }

// held reports whether the deletion of a Session waits for the end of its run.
func held(s *v1alpha1.Session) bool { return slices.Contains(s.Finalizers, v1alpha1.Finalizer) }

// hold lets the deletion of a Session wait, and returns what is stored then.
func (c *Controller) hold(ctx context.Context, s *v1alpha1.Session) (*v1alpha1.Session, error) {
	if held(s) {
		return s, nil
	}
	stored, err := c.patchFinalizers(ctx, s, append(slices.Clone(s.Finalizers), v1alpha1.Finalizer))
	if err != nil {
		return nil, fmt.Errorf("add the finalizer: %w", err)
	}
	return stored, nil
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

// release lets a Session be deleted. It reports whether the finalizer was there.
func (c *Controller) release(ctx context.Context, s *v1alpha1.Session) (released bool, err error) {
	if !held(s) {
		return false, nil
	}
	others := slices.DeleteFunc(slices.Clone(s.Finalizers), func(name string) bool { return name == v1alpha1.Finalizer })
	if _, err := c.patchFinalizers(ctx, s, others); err != nil {
		return false, fmt.Errorf("remove the finalizer: %w", err)
	}
	return true, nil
}

// patchFinalizers replaces the finalizers of a Session as long as it is stored as s.
func (c *Controller) patchFinalizers(
	ctx context.Context,
	s *v1alpha1.Session,
	finalizers []string,
) (*v1alpha1.Session, error) {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": s.ResourceVersion,
		"finalizers":      finalizers,
	}})
	if err != nil {
		return nil, err
	}
	return c.client.Patch(ctx, s.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: FieldManager})
}

// shutDown ends all runs and waits for them, when no worker is left. It returns what went wrong. The end of each
// run is reported, then stored while the runs end.
func (c *Controller) shutDown(lasting context.Context) []error {
	runs := c.runs.all()
	for _, r := range runs {
		c.interrupt(r)
	}
	errs := c.eachRun(lasting, runs, "store the end of", c.storeEnd)
	errs = append(errs, c.runs.wait()...)
	return append(errs, c.eachRun(lasting, runs, "release", c.releaseEnded)...)
}

// eachRun calls do for each run, within a time altogether.
func (c *Controller) eachRun(
	ctx context.Context, runs []*run, what string, do func(context.Context, *run) error,
) (errs []error) {
	timeout := requestsTimeout
	if c.lost() != nil {
		timeout = lostTimeout // Most probably the API can't be reached.
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for _, r := range runs {
		if err := do(ctx, r); err != nil {
			errs = append(errs, fmt.Errorf("%s Session %q: %w", what, r.name, err))
		}
	}
	return errs
}

// interrupt ends a run with the process, and reports its verdict. A manual Session without one stays, for the next
// process.
func (c *Controller) interrupt(r *run) {
	if r.ending {
		return
	}
	if r.verdict == nil {
		if status := c.lastVerdict(r); status.Done {
			r.verdict = c.newVerdict(r, status)
		}
	}
	if r.verdict == nil {
		r.handedOver = c.config.Claims != nil
		r.cancel()
		return
	}
	if !r.concluded {
		c.conclude(r)
	}
	c.finish(r)
}

// lastVerdict is the last status of a run. It is done with the failure of the newest snapshot, decided at the time
// at which the end of the process began, or Interrupted if the Session should have reached a verdict. Success would
// need another look at what has ended.
func (c *Controller) lastVerdict(r *run) v1alpha1.SessionStatus {
	lost := c.lost()
	if snap := r.control.Snapshot(); lost == nil && snap.Tiltfile.Path == r.tiltfile {
		status, _ := session.Status(snap, r.undecided(), c.stopped)
		if status.Done && session.VerdictOf(status) != session.Succeeded {
			return status
		}
	}
	last := *r.session
	last.Status = c.lastStatus(r)
	if r.session.Spec.ExitCondition == v1alpha1.ExitConditionManual {
		return last.Status
	}
	why := "interrupted: the process that ran the Session ended before there was a verdict"
	if lost != nil {
		why = "interrupted: the runner lost its claim before there was a verdict: " + lost.Error()
	}
	return session.Interrupt(&last, why, c.config.Clock.Now())
}

// storeEnd stores the verdict of a run that is being ended.
func (c *Controller) storeEnd(ctx context.Context, r *run) error {
	if c.config.Transient && r.verdict != nil && session.VerdictOf(r.verdict.status) == session.Interrupted {
		return nil
	}
	for r.verdict != nil && !r.verdict.stored && !c.decided(r) {
		err := c.writeVerdict(ctx, r)
		switch {
		case err == nil:
			return nil
		case !outdated(err):
			return err
		}
		if found, err := c.reread(ctx, r); err != nil || !found {
			return err
		}
	}
	return nil
}

// releaseEnded releases the Session of a run that is over, unless the next process is to run it again.
func (c *Controller) releaseEnded(ctx context.Context, r *run) error {
	for r.ending || r.handedOver {
		if found, err := c.reread(ctx, r); err != nil || !found {
			return err
		}
		if _, err := c.leave(ctx, r); !outdated(err) {
			return err
		}
	}
	return nil
}

// reread asks the server for the Session of a run. It reports whether the Session is still there.
func (c *Controller) reread(ctx context.Context, r *run) (found bool, err error) {
	stored, err := c.client.Get(ctx, r.name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read the Session again: %w", err)
	case stored.UID != r.uid, !c.mine(stored):
		return false, nil
	}
	r.session = stored
	return true, nil
}
