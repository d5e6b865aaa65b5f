// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package housekeeper

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/lease"
	"tilt.dev/session/pkg/session"
)

// observation is when the housekeeper has seen the last sign of life of a Runner, by its own clock.
type observation struct {
	name string
	// present is false for a Runner without a record.
	present bool
	renewed time.Time
	lease   int32
	at      time.Time
	// lost is why the Runner is lost, empty while it isn't.
	lost string
}

// observe notes what has changed of the Runners that have a record or a claim.
func (h *Housekeeper) observe(runners []*v1alpha1.Runner, sessions []*v1alpha1.Session, now time.Time) {
	current := map[types.UID]observation{}
	for _, r := range runners {
		current[r.UID] = h.see(r.UID, observation{
			name: r.Name, present: true, renewed: renewTime(r), lease: r.Spec.LeaseDurationSeconds, at: now,
		})
	}
	for _, s := range sessions {
		claim := s.Status.Runner
		if claim == nil || s.Status.Done && !held(s) {
			continue
		}
		if _, known := current[claim.UID]; !known {
			current[claim.UID] = h.see(claim.UID, observation{name: claim.Name, lease: claim.LeaseDurationSeconds, at: now})
		}
	}
	h.seen = current
}

// see returns the earlier observation unless something has changed.
func (h *Housekeeper) see(uid types.UID, o observation) observation {
	last, known := h.seen[uid]
	if known && !o.present {
		o.renewed = last.renewed // What is gone is not renewed either.
	}
	if known && last.present == o.present && last.renewed.Equal(o.renewed) {
		return last
	}
	return o
}

func renewTime(r *v1alpha1.Runner) time.Time {
	if r.Status.RenewTime == nil {
		return time.Time{}
	}
	return r.Status.RenewTime.Time
}

// lostRunners returns why each lost Runner is, by its UID.
func (h *Housekeeper) lostRunners(ctx context.Context, now time.Time) map[types.UID]string {
	lost := map[types.UID]string{}
	for uid, o := range h.seen {
		if o.lost == "" && now.Sub(o.at) > lease.Patience(o.lease) {
			if changed, err := h.hasChanged(ctx, uid, o); err != nil || changed {
				// What isn't known isn't acted on. If it has changed, the watch is about to say how.
				klog.FromContext(ctx).V(2).Info("A runner seems to be lost", "runner", o.name, "changed", changed, "err", err)
				continue
			}
			o.lost = o.loss()
			h.seen[uid] = o
			klog.FromContext(ctx).Info("A runner is lost", "runner", o.name, "uid", uid, "why", o.lost)
		}
		if o.lost != "" {
			lost[uid] = o.lost
		}
	}
	return lost
}

// loss is why a Runner is lost, for people.
func (o observation) loss() string {
	if !o.present {
		return fmt.Sprintf("the runner %q was lost: its record is gone", o.name)
	}
	since := "it registered"
	if !o.renewed.IsZero() {
		since = o.renewed.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("the runner %q was lost: it has not renewed its record since %s", o.name, since)
}

// hasChanged reads the record of a Runner from the storage, and reports whether it is another one than was observed.
func (h *Housekeeper) hasChanged(ctx context.Context, uid types.UID, o observation) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	stored, err := h.client.Runners().Get(ctx, o.name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return o.present, nil
	case err != nil:
		return false, err
	case stored.UID != uid:
		return o.present, nil
	}
	return !o.present || !renewTime(stored).Equal(o.renewed), nil
}

// endOf ends a Session of a lost Runner.
func (h *Housekeeper) endOf(ctx context.Context, s *v1alpha1.Session, why string, now time.Time) error {
	switch {
	case s.DeletionTimestamp != nil:
		return h.release(ctx, s)
	case s.Status.Done:
		if held(s) {
			return h.release(ctx, s)
		}
		return h.expire(ctx, s, now)
	}
	status := session.Unclaimed(s, "RunnerLost", "The Session waits for another Runner: "+why, now)
	if s.Spec.ExitCondition != v1alpha1.ExitConditionManual && session.Begun(&s.Status) {
		status = session.Interrupt(s, why, now)
	}
	// While there is a claim, no other Runner runs the Session. The next one adds the finalizer again.
	if err := h.release(ctx, s); held(s) {
		return err // The watch is about to show the Session without it.
	}
	return h.writeStatus(ctx, s, status)
}

// held reports whether the deletion of a Session waits for the end of its run.
func held(s *v1alpha1.Session) bool { return slices.Contains(s.Finalizers, v1alpha1.Finalizer) }

// release removes the finalizer of a Session that has no run.
func (h *Housekeeper) release(ctx context.Context, s *v1alpha1.Session) error {
	if !held(s) {
		return nil
	}
	others := slices.DeleteFunc(slices.Clone(s.Finalizers), func(name string) bool { return name == v1alpha1.Finalizer })
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": s.ResourceVersion, "finalizers": others,
	}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err = h.client.Sessions().Patch(
		ctx, s.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	return err
}

// expire deletes a Session that is done when its time has come.
func (h *Housekeeper) expire(ctx context.Context, s *v1alpha1.Session, now time.Time) error {
	at := session.Expiry(s)
	if at.IsZero() || now.Before(at) || s.DeletionTimestamp != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return h.client.Sessions().Delete(ctx, s.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &s.UID, ResourceVersion: &s.ResourceVersion},
	})
}

// forgetRecords deletes the records of Runners that have been lost for long.
func (h *Housekeeper) forgetRecords(ctx context.Context, runners []*v1alpha1.Runner, now time.Time) (errs []error) {
	for _, r := range runners {
		if o := h.seen[r.UID]; o.lost == "" || now.Sub(o.at) < forgetting {
			continue
		}
		deleting, cancel := context.WithTimeout(ctx, requestTimeout)
		err := h.client.Runners().Delete(deleting, r.Name, metav1.DeleteOptions{
			Preconditions: &metav1.Preconditions{UID: &r.UID, ResourceVersion: &r.ResourceVersion},
		})
		cancel()
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			errs = append(errs, fmt.Errorf("delete the record of runner %q: %w", r.Name, err))
		}
	}
	return errs
}
