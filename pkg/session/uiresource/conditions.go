// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package uiresource

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// The reasons of conditions that aren't true.
const (
	reasonDisabled       = "Disabled"
	reasonRuntimeError   = "RuntimeError"
	reasonUpdateError    = "UpdateError"
	reasonRuntimePending = "RuntimePending"
	reasonUpdatePending  = "UpdatePending"
	reasonUnknown        = "Unknown"
)

// conditions are UpToDate and Ready. A condition keeps its time as long as its status is that of before. A new status
// is as old as the last event of the resource, or begins now if there was none.
func conditions(
	status *v1alpha1.UIResourceStatus, before []v1alpha1.UIResourceCondition, last, now time.Time,
) []v1alpha1.UIResourceCondition {
	list := []v1alpha1.UIResourceCondition{
		{Type: v1alpha1.UIResourceUpToDate, Reason: whyNotUpToDate(status)},
		{Type: v1alpha1.UIResourceReady, Reason: whyNotReady(status)},
	}
	if last.IsZero() {
		last = now
	}
	for i := range list {
		c := &list[i]
		c.Status, c.LastTransitionTime = metav1.ConditionFalse, microTime(last)
		if c.Reason == "" {
			c.Status = metav1.ConditionTrue
		}
		at := slices.IndexFunc(before, func(b v1alpha1.UIResourceCondition) bool { return b.Type == c.Type })
		if at >= 0 && before[at].Status == c.Status {
			c.LastTransitionTime = before[at].LastTransitionTime
		}
	}
	return list
}

func whyNotUpToDate(status *v1alpha1.UIResourceStatus) string {
	switch {
	case status.DisableStatus.State == v1alpha1.DisableStateDisabled:
		return reasonDisabled
	case status.UpdateStatus == v1alpha1.UpdateStatusOK, status.UpdateStatus == v1alpha1.UpdateStatusNotApplicable:
		return ""
	case status.UpdateStatus == v1alpha1.UpdateStatusError:
		return reasonUpdateError
	case isPending(status.UpdateStatus):
		return reasonUpdatePending
	default:
		return reasonUnknown
	}
}

func whyNotReady(status *v1alpha1.UIResourceStatus) string {
	update := status.UpdateStatus
	settled := update == v1alpha1.UpdateStatusOK || update == v1alpha1.UpdateStatusNotApplicable
	switch runtime := status.RuntimeStatus; {
	case status.DisableStatus.State == v1alpha1.DisableStateDisabled:
		return reasonDisabled
	case runtime == v1alpha1.RuntimeStatusOK,
		runtime == v1alpha1.RuntimeStatusNotApplicable && update == v1alpha1.UpdateStatusOK:
		return ""
	case runtime == v1alpha1.RuntimeStatusError:
		return reasonRuntimeError
	case update == v1alpha1.UpdateStatusError:
		return reasonUpdateError
	case runtime == v1alpha1.RuntimeStatusPending && settled:
		return reasonRuntimePending
	case isPending(update):
		return reasonUpdatePending
	default:
		return reasonUnknown
	}
}

func isPending(update v1alpha1.UpdateStatus) bool {
	return update == v1alpha1.UpdateStatusPending || update == v1alpha1.UpdateStatusInProgress
}

// lastOf is the moment of the last event of a resource, zero if there was none.
func lastOf(r *engine.ResourceState) time.Time {
	var moments []time.Time
	if u := r.Update; u != nil {
		moments = append(moments, u.Running)
		if u.Last != nil {
			moments = append(moments, u.Last.Finish)
		}
		if u.Wait != nil {
			moments = append(moments, u.Wait.Since)
		}
	}
	if s := r.Runtime; s != nil {
		if s.Running != nil {
			moments = append(moments, s.Running.Start, s.Running.Changed)
		}
		if s.Exit != nil {
			moments = append(moments, s.Exit.Finish)
		}
	}
	return latest(moments)
}

func lastOfTiltfile(t *engine.TiltfileState) time.Time {
	moments := []time.Time{t.Running}
	if t.Last != nil {
		moments = append(moments, t.Last.Finish)
	}
	return latest(moments)
}

func latest(moments []time.Time) (last time.Time) {
	for _, moment := range moments {
		if moment.After(last) {
			last = moment
		}
	}
	return last
}
