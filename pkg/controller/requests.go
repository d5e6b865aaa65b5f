// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	registry "tilt.dev/session/pkg/registry/session"
)

// Requests is what can be asked of a run, also before it has begun and after its end. See engine.Engine for what
// each method does.
type Requests interface {
	Trigger(ctx context.Context, names []string) error
	Enable(ctx context.Context, selected engine.Selector, only bool) (changed []string, err error)
	Disable(ctx context.Context, selected engine.Selector) (changed []string, err error)
	Press(ctx context.Context, button string, inputs []string) error
	// Snapshot is never nil.
	Snapshot() *engine.Snapshot
	// Logs has the output of the Tiltfile and all resources. It is closed when nothing more of that is to be shown.
	Logs() *logs.Store
}

// requested answers requests to an API server by asking a run. Its errors are those of the API.
type requested struct {
	session string
	run     Requests
	now     func() time.Time
}

var _ registry.Run = (*requested)(nil)

// Trigger implements registry.Resources.
func (r *requested) Trigger(
	ctx context.Context,
	spec *v1alpha1.SessionTriggerSpec,
	dryRun bool,
) (v1alpha1.SessionTriggerStatus, error) {
	names := distinct(spec.Resources)
	var err error
	if dryRun {
		err = tryTrigger(r.run.Snapshot(), names)
	} else {
		err = r.run.Trigger(ctx, names)
	}
	if unknown := (*engine.UnknownError)(nil); errors.As(err, &unknown) {
		// Tilt has words of its own for this request.
		return v1alpha1.SessionTriggerStatus{}, r.notFound(fmt.Sprintf("resource %q does not exist", unknown.Name))
	}
	if err != nil {
		return v1alpha1.SessionTriggerStatus{}, r.error(err)
	}
	return v1alpha1.SessionTriggerStatus{Resources: names}, nil
}

// Enable implements registry.Resources.
func (r *requested) Enable(
	ctx context.Context,
	spec *v1alpha1.SessionEnableSpec,
	dryRun bool,
) (v1alpha1.SessionEnableStatus, error) {
	selector := engine.Selector{Names: distinct(spec.Resources), Labels: spec.Labels, All: spec.All}
	if dryRun {
		changed, err := tryChange(r.run.Snapshot(), selector, func(selected, disabled bool) bool {
			return selected && disabled || spec.Only && !selected && !disabled
		})
		return v1alpha1.SessionEnableStatus{Resources: notNil(changed, err)}, r.error(err)
	}
	changed, err := r.run.Enable(ctx, selector, spec.Only)
	return v1alpha1.SessionEnableStatus{Resources: notNil(changed, err)}, r.error(err)
}

// Disable implements registry.Resources.
func (r *requested) Disable(
	ctx context.Context,
	spec *v1alpha1.SessionDisableSpec,
	dryRun bool,
) (v1alpha1.SessionDisableStatus, error) {
	selector := engine.Selector{Names: distinct(spec.Resources), Labels: spec.Labels, All: spec.All}
	if dryRun {
		changed, err := tryChange(r.run.Snapshot(), selector, func(selected, disabled bool) bool {
			return selected && !disabled
		})
		return v1alpha1.SessionDisableStatus{Resources: notNil(changed, err)}, r.error(err)
	}
	changed, err := r.run.Disable(ctx, selector)
	return v1alpha1.SessionDisableStatus{Resources: notNil(changed, err)}, r.error(err)
}

// distinct keeps the first of equal names, of which a request may have many.
func distinct(names []string) []string {
	var kept []string
	known := make(map[string]bool, len(names))
	for _, name := range names {
		if !known[name] {
			known[name] = true
			kept = append(kept, name)
		}
	}
	return kept
}

// notNil makes the list of an answer one that JSON encodes as a list.
func notNil(names []string, err error) []string {
	if names == nil && err == nil {
		return []string{}
	}
	return names
}

// error converts the error of a run into one of the API. If Tilt has a text for it, that is the whole message; the
// cause among the details has the kind of error.
func (r *requested) error(err error) error {
	unknown, disabled := (*engine.UnknownError)(nil), (*engine.DisabledError)(nil)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unknown):
		return r.notFound(unknown.Error())
	case errors.As(err, &disabled):
		return r.refused(
			http.StatusConflict,
			metav1.StatusReasonConflict,
			v1alpha1.CauseTypeResourceDisabled,
			disabled.Error(),
		)
	case errors.Is(err, engine.ErrNotSwitchable):
		return r.refused(
			http.StatusUnprocessableEntity,
			metav1.StatusReasonInvalid,
			metav1.CauseTypeForbidden,
			engine.ErrNotSwitchable.Error(),
		)
	case errors.Is(err, engine.ErrEnded):
		return apierrors.NewConflict(v1alpha1.Resource("sessions"), r.session, err)
	case errors.Is(err, context.DeadlineExceeded):
		return apierrors.NewTimeoutError(fmt.Sprintf("the run of Session %q did not answer in time", r.session), 1)
	default:
		return apierrors.NewInternalError(fmt.Errorf("ask the run of Session %q: %w", r.session, err))
	}
}

func (r *requested) notFound(message string) error {
	return r.refused(http.StatusNotFound, metav1.StatusReasonNotFound, metav1.CauseTypeFieldValueNotFound, message)
}

// refused is an error because of a resource that spec.resources names.
func (r *requested) refused(code int32, reason metav1.StatusReason, cause metav1.CauseType, message string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    code,
		Reason:  reason,
		Message: message,
		Details: &metav1.StatusDetails{
			Group:  v1alpha1.GroupName,
			Kind:   "sessions",
			Name:   r.session,
			Causes: []metav1.StatusCause{{Type: cause, Message: message, Field: "spec.resources"}},
		},
	}}
}

// tryTrigger is the error of a trigger in a run that is in the state of a snapshot.
func tryTrigger(snap *engine.Snapshot, names []string) error {
	for _, name := range names {
		if name == model.TiltfileResource {
			continue
		}
		i := indexOf(snap, name)
		if i < 0 {
			return &engine.UnknownError{Name: name}
		}
		if snap.Resources[i].Disabled {
			return &engine.DisabledError{Name: name}
		}
	}
	return nil
}

// tryChange returns the resources that a request would change in a run that is in the state of a snapshot, in the order
// of their definition.
func tryChange(
	snap *engine.Snapshot,
	selected engine.Selector,
	changes func(selected, disabled bool) bool,
) ([]string, error) {
	for _, name := range selected.Names {
		switch {
		case name == model.TiltfileResource:
			return nil, engine.ErrNotSwitchable
		case indexOf(snap, name) < 0:
			return nil, &engine.UnknownError{Name: name}
		}
	}
	var changed []string
	for i := range snap.Resources {
		if r := &snap.Resources[i]; changes(selects(selected, r), r.Disabled) {
			changed = append(changed, r.Name)
		}
	}
	return changed, nil
}

func selects(selected engine.Selector, r *engine.ResourceState) bool {
	return selected.All || slices.Contains(selected.Names, r.Name) ||
		slices.ContainsFunc(selected.Labels, func(label string) bool { return slices.Contains(r.Labels, label) })
}

// indexOf is negative for a resource that doesn't exist.
func indexOf(snap *engine.Snapshot, name string) int {
	return slices.IndexFunc(snap.Resources, func(r engine.ResourceState) bool { return r.Name == name })
}
