// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package uiresource turns what an engine has seen of a run into what people look at: UIResources and UIButtons.
//
// Everything here is a pure function of a snapshot, what was projected before, and the present moment.
package uiresource

import (
	"cmp"
	"math"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

// Projection is how the objects of a Session are named and shown.
type Projection struct {
	// Session is the name of the Session. With Qualified it begins the names of its objects, before a dot.
	Session   string
	Qualified bool
	// Redact returns a text without secrets.
	Redact func(string) string
}

// Name returns the name of the object of a resource or button of the Tiltfile.
func (p Projection) Name(of string) string {
	if p.Qualified {
		return p.Session + "." + of
	}
	return of
}

// Resources are the UIResources of a snapshot: first the Tiltfile, then the resources in the order of their definition.
// Conditions continue those of previous, which returns nil for a name that is new.
func (p Projection) Resources(
	snap *engine.Snapshot, previous func(name string) *v1alpha1.UIResource, now time.Time,
) []*v1alpha1.UIResource {
	phases := session.Phases(snap)
	list := make([]*v1alpha1.UIResource, 0, 1+len(snap.Resources))
	add := func(name string, labels []string, status v1alpha1.UIResourceStatus, last time.Time) {
		object := &v1alpha1.UIResource{ObjectMeta: p.metadata(name, snap), Status: status}
		for _, label := range labels {
			object.Labels[label] = label
		}
		var before []v1alpha1.UIResourceCondition
		if known := previous(object.Name); known != nil && known.Annotations[v1alpha1.UISession] == p.Session &&
			known.CreationTimestamp.Equal(&object.CreationTimestamp) {
			before = known.Status.Conditions
		}
		object.Status.Conditions = conditions(&status, before, last, now)
		list = append(list, object)
	}
	add(model.TiltfileResource, nil, tiltfileStatus(&snap.Tiltfile, phases[0]), lastOfTiltfile(&snap.Tiltfile))
	for i := range snap.Resources {
		r := &snap.Resources[i]
		status := p.status(r, phases[1+2*i], phases[2+2*i])
		status.Order = int32(min(i+1, math.MaxInt32))
		add(r.Name, r.Labels, status, lastOf(r))
	}
	return list
}

func (p Projection) metadata(name string, snap *engine.Snapshot) metav1.ObjectMeta {
	meta := metav1.ObjectMeta{
		Name:              p.Name(name),
		CreationTimestamp: metav1.NewTime(snap.StartTime.Truncate(time.Second)),
		Labels:            map[string]string{},
		Annotations:       map[string]string{v1alpha1.UISession: p.Session, v1alpha1.UIName: name},
	}
	for key, value := range meta.Annotations {
		label(meta.Labels, key, value)
	}
	return meta
}

// label sets a label, or removes it if the value isn't valid for one.
func label(labels map[string]string, key, value string) {
	delete(labels, key)
	if len(validation.IsValidLabelValue(value)) == 0 {
		labels[key] = value
	}
}

func tiltfileStatus(t *engine.TiltfileState, phase session.Phase) v1alpha1.UIResourceStatus {
	status := v1alpha1.UIResourceStatus{
		RuntimeStatus:     v1alpha1.RuntimeStatusNotApplicable,
		UpdateStatus:      updateStatus(phase),
		DisableStatus:     enabled(true),
		HasPendingChanges: t.Pending,
		Position:          t.Path,
	}
	setBuilds(&status, model.TiltfileResource, t.History)
	setReady(&status, nil)
	return status
}

func (p Projection) status(r *engine.ResourceState, update, runtime session.Phase) v1alpha1.UIResourceStatus {
	status := v1alpha1.UIResourceStatus{
		UpdateStatus:  updateStatus(update),
		RuntimeStatus: runtimeStatus(runtime),
		DisableStatus: enabled(!r.Disabled),
	}
	if u := r.Update; u != nil {
		status.UpdateCommand = p.Redact(u.Command)
		setBuilds(&status, r.Name, u.History)
		setReady(&status, r.Runtime)
		if u.Hold == engine.HoldPendingTrigger && !r.Disabled {
			// What a person doesn't ask for isn't due.
			status.HasPendingChanges = true
			status.UpdateStatus = endedStatus(u.Last)
		}
		if !u.Pending.IsZero() && !r.Disabled {
			status.PendingBuildSince, status.HasPendingChanges = microTime(u.Pending), true
		}
		status.Queued = u.Triggered && !r.Disabled
	}
	if s := r.Runtime; s != nil {
		status.ServeCommand = p.Redact(s.Command)
	}
	if r.Update == nil && runtime == session.PhaseWaiting && r.Runtime.Running == nil {
		status.UpdateStatus = v1alpha1.UpdateStatusPending // There is nothing to update, but its turn hasn't come.
	}
	status.Waiting = p.waiting(r, update, runtime)
	if r.Spec != nil {
		p.describe(&status, r, runtime)
	}
	return status
}

// microTime is t as the API stores it: in microseconds, null when it is zero.
func microTime(t time.Time) metav1.MicroTime {
	return metav1.NewMicroTime(t.Truncate(time.Microsecond))
}

// optional is nil for a zero time.
func optional(t time.Time) *metav1.MicroTime {
	if t.IsZero() {
		return nil
	}
	moment := microTime(t)
	return &moment
}

func enabled(yes bool) v1alpha1.DisableResourceStatus {
	if yes {
		return v1alpha1.DisableResourceStatus{EnabledCount: 1, State: v1alpha1.DisableStateEnabled}
	}
	return v1alpha1.DisableResourceStatus{DisabledCount: 1, State: v1alpha1.DisableStateDisabled}
}

func updateStatus(phase session.Phase) v1alpha1.UpdateStatus {
	switch phase {
	case session.PhaseAbsent:
		return v1alpha1.UpdateStatusNotApplicable
	case session.PhaseWaiting:
		return v1alpha1.UpdateStatusPending
	case session.PhaseActive:
		return v1alpha1.UpdateStatusInProgress
	case session.PhaseSucceeded:
		return v1alpha1.UpdateStatusOK
	case session.PhaseFailed:
		return v1alpha1.UpdateStatusError
	default:
		return v1alpha1.UpdateStatusNone
	}
}

// endedStatus is the status of an update that isn't due, by its last end.
func endedStatus(last *engine.Exit) v1alpha1.UpdateStatus {
	switch {
	case last == nil:
		return v1alpha1.UpdateStatusNone
	case last.Error != "":
		return v1alpha1.UpdateStatusError
	default:
		return v1alpha1.UpdateStatusOK
	}
}

func runtimeStatus(phase session.Phase) v1alpha1.RuntimeStatus {
	switch phase {
	case session.PhaseAbsent:
		return v1alpha1.RuntimeStatusNotApplicable
	case session.PhaseWaiting, session.PhaseActive:
		return v1alpha1.RuntimeStatusPending
	case session.PhaseReady, session.PhaseSucceeded:
		return v1alpha1.RuntimeStatusOK
	case session.PhaseFailed:
		return v1alpha1.RuntimeStatusError
	default:
		return v1alpha1.RuntimeStatusNone
	}
}

// waiting is why a resource waits: its update or, when that doesn't wait, its runtime.
func (p Projection) waiting(r *engine.ResourceState, update, runtime session.Phase) *v1alpha1.UIResourceStateWaiting {
	var reason string
	var wait *engine.Wait
	switch {
	case update == session.PhaseWaiting:
		reason, wait = string(r.Update.Hold), r.Update.Wait
	case runtime == session.PhaseWaiting && r.Runtime.Running != nil:
		reason = cmp.Or(r.Runtime.Running.Reason, "unknown")
	case runtime == session.PhaseWaiting:
		reason, wait = string(r.Runtime.Hold), r.Runtime.Wait
	}
	if reason == "" {
		return nil
	}
	waiting := &v1alpha1.UIResourceStateWaiting{Reason: reason}
	if wait == nil {
		return waiting
	}
	waiting.Since = optional(wait.Since)
	for _, name := range wait.On {
		ref := v1alpha1.UIResourceStateWaitingOnRef{
			Group: v1alpha1.GroupName, APIVersion: v1alpha1.SchemeGroupVersion.Version, Kind: "UIResource", Name: p.Name(name),
		}
		if image, found := strings.CutPrefix(name, model.ImagePrefix); found {
			ref.Kind, ref.Name = "Image", image
		}
		waiting.On = append(waiting.On, ref)
	}
	return waiting
}
