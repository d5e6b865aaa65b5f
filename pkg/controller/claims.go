// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
)

// Claims are those of a process that shares its storage with other processes that run Sessions. They may be asked
// concurrently, and don't block.
type Claims interface {
	// Claim returns the claim under which this process runs a Session. Its UID is always the same.
	Claim() v1alpha1.SessionRunner
	// Lost returns why the claims of this process are not good any more, nil while they are.
	Lost() error
}

// reasonClaimed is the reason of a true condition Scheduled.
const reasonClaimed = "Claimed"

// mine reports whether this process may write the status of a Session: it has claimed the Session, or needs no claims.
func (c *Controller) mine(s *v1alpha1.Session) bool {
	if c.config.Claims == nil {
		return true
	}
	held := s.Status.Runner
	return held != nil && held.UID == c.config.Claims.Claim().UID
}

// claimable reports whether this process may run a Session that it doesn't run: it has the claim, or no process has,
// nothing is left of the last run, and this process takes further ones.
func (c *Controller) claimable(s *v1alpha1.Session) bool {
	return c.mine(s) || s.Status.Runner == nil && !held(s) && !c.draining.Load()
}

// lost returns why no claim of this process is good any more.
func (c *Controller) lost() error {
	if c.config.Claims == nil {
		return nil
	}
	return c.config.Claims.Lost()
}

// claim claims a Session, unless that is claimed by this process already, and returns what is stored then. After a
// conflict it waits for the watch to show what has changed: usually that another process was faster.
func (c *Controller) claim(ctx context.Context, s *v1alpha1.Session) (*v1alpha1.Session, error) {
	if c.mine(s) {
		return s, nil
	}
	claim := c.config.Claims.Claim()
	status := *s.Status.DeepCopy()
	status.Runner = &claim
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type: v1alpha1.SessionConditionScheduled, Status: metav1.ConditionTrue, Reason: reasonClaimed,
		Message: fmt.Sprintf("Runner %q has claimed the Session", claim.Name), ObservedGeneration: s.Generation,
		LastTransitionTime: metav1.NewTime(c.config.Clock.Now()),
	})
	stored, err := c.config.StatusWriter.WriteStatus(ctx, s, status)
	if err != nil {
		if outdated(err) {
			c.raced.Store(s.UID, s.ResourceVersion)
			claimsMetric.WithLabelValues("lost").Inc()
		}
		return nil, fmt.Errorf("claim the Session: %w", err)
	}
	claimsMetric.WithLabelValues("won").Inc()
	klog.FromContext(ctx).V(2).Info("Session is claimed", "session", s.Name, "uid", s.UID)
	return stored, nil
}

// hasRaced reports whether this process has failed to claim a Session as it is: something newer is stored.
func (c *Controller) hasRaced(s *v1alpha1.Session) bool {
	version, raced := c.raced.Load(s.UID)
	if raced && version != s.ResourceVersion {
		c.raced.Delete(s.UID)
		return false
	}
	return raced
}

// endUnclaimed ends a run whose claim is gone, and writes nothing more about it. Its finalizer holds off the next claim
// until nothing of it is left.
func (c *Controller) endUnclaimed(ctx context.Context, r *run) {
	klog.FromContext(ctx).Error(errUnclaimed, "A run ends", "session", r.name, "uid", r.uid)
	r.ending = true
	if c.config.Finished != nil {
		end := c.outcome(r)
		end.Err = errUnclaimed
		c.config.Finished(end)
	}
	r.cancel()
	c.queue.Add(r.name)
}

var errUnclaimed = errors.New("this process has no claim to the Session any more")

// keepClaim asks the server whether a Session, whose status could not be written, is still claimed by this process, and
// ends its run if it isn't.
func (c *Controller) keepClaim(ctx context.Context, r *run) error {
	if c.config.Claims == nil {
		return nil
	}
	found, err := c.reread(ctx, r)
	if err == nil && !found {
		c.endUnclaimed(ctx, r)
	}
	return err
}

// offer lets a Session wait to run if it can, or no longer if it can't. It is called with each state of each
// Session in the order of their events.
func (c *Controller) offer(s *v1alpha1.Session) {
	if s.DeletionTimestamp == nil && c.config.Runs(s) && !s.Status.Done && c.claimable(s) {
		if c.mine(s) {
			c.runs.awaitStart(s)
		}
		if !c.mine(s) || !c.interrupted(s) && session.Unrunnable(s) == nil {
			c.admission.add(s)
			return
		}
	}
	c.enqueue(c.admission.withdraw(s.UID))
}

// dismiss takes the place from a Session that doesn't run after all.
func (c *Controller) dismiss(uid types.UID) {
	c.enqueue(c.admission.release(uid))
	c.enqueue(c.admission.withdraw(uid))
}

// Drain claims nothing more, hands running manual Sessions over to other processes, and waits until all other runs have
// come to their end, or ctx is done. It requires Claims, and Run has to be running.
func (c *Controller) Drain(ctx context.Context) {
	c.draining.Store(true)
	<-c.begun
	for _, r := range c.runs.all() {
		c.queue.Add(r.name)
	}
	select {
	case <-c.admission.idle():
	case <-ctx.Done():
	}
}

// acquire claims a Session that is admitted, and returns what is stored then. It is nil, maybe without an error, if
// this process doesn't run the Session now.
func (c *Controller) acquire(ctx context.Context, s *v1alpha1.Session) (*v1alpha1.Session, error) {
	if c.hasRaced(s) {
		return nil, nil
	}
	c.admission.add(s)
	if !c.admission.admit(s) {
		return nil, nil
	}
	if c.draining.Load() { // Drain may not have seen that this one is admitted.
		c.enqueue(c.admission.release(s.UID))
		return nil, nil
	}
	claimed, err := c.claim(ctx, s)
	switch {
	case err == nil:
		c.runs.awaitStart(claimed)
		return claimed, nil
	case outdated(err), final(err):
		c.enqueue(c.admission.release(s.UID))
	default:
		c.enqueue(c.admission.postpone(s.UID))
	}
	return nil, err
}

// handsOver reports whether a run is to be handed over to another process.
func (c *Controller) handsOver(r *run) bool {
	return c.draining.Load() && r.verdict == nil && r.session.Spec.ExitCondition == v1alpha1.ExitConditionManual
}

// handOver ends a run that another process continues.
func (c *Controller) handOver(r *run) {
	r.handedOver, r.ending = true, true
	r.cancel()
	c.queue.Add(r.name)
}

// unclaim removes the claim to a Session whose run is over, so that another process can run it.
func (c *Controller) unclaim(ctx context.Context, r *run) error {
	if _, err := c.release(ctx, r.session); err != nil {
		return err
	}
	if found, err := c.reread(ctx, r); err != nil || !found {
		return err
	}
	_, err := c.config.StatusWriter.WriteStatus(ctx, r.session, c.unclaimed(r.session))
	if err != nil {
		return fmt.Errorf("remove the claim: %w", err)
	}
	return nil
}

// unclaimed is the status of a Session that waits to be run again.
func (c *Controller) unclaimed(s *v1alpha1.Session) v1alpha1.SessionStatus {
	return session.Unclaimed(s, "Unclaimed", "The Session waits for another Runner: the last one has handed it over",
		c.config.Clock.Now())
}
