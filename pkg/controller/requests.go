// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	registry "tilt.dev/session/pkg/registry/session"
)

// Requests is what can be asked of a run, also before it has begun and after its end. See engine.Engine for what
// each method does.
type Requests interface {
	Trigger(ctx context.Context, names []string) error
	Enable(ctx context.Context, selected engine.Selector, only bool) (changed []string, err error)
	Disable(ctx context.Context, selected engine.Selector) (changed []string, err error)
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
func (r *requested) Trigger(ctx context.Context, spec *v1alpha1.SessionTriggerSpec, dryRun bool) (v1alpha1.SessionTriggerStatus, error) {
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
func (r *requested) Enable(ctx context.Context, spec *v1alpha1.SessionEnableSpec, dryRun bool) (v1alpha1.SessionEnableStatus, error) {
	selected := engine.Selector{Names: distinct(spec.Resources), Labels: spec.Labels, All: spec.All}
	if dryRun {
		changed, err := tryEnable(r.run.Snapshot(), selected, spec.Only)
		return v1alpha1.SessionEnableStatus{Resources: notNil(changed, err)}, r.error(err)
	}
	changed, err := r.run.Enable(ctx, selected, spec.Only)
	return v1alpha1.SessionEnableStatus{Resources: notNil(changed, err)}, r.error(err)
}

// Disable implements registry.Resources.
func (r *requested) Disable(ctx context.Context, spec *v1alpha1.SessionDisableSpec, dryRun bool) (v1alpha1.SessionDisableStatus, error) {
	selected := engine.Selector{Names: distinct(spec.Resources), Labels: spec.Labels, All: spec.All}
	if dryRun {
		changed, err := tryDisable(r.run.Snapshot(), selected)
		return v1alpha1.SessionDisableStatus{Resources: notNil(changed, err)}, r.error(err)
	}
	changed, err := r.run.Disable(ctx, selected)
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
		return r.refused(http.StatusConflict, metav1.StatusReasonConflict, v1alpha1.CauseTypeResourceDisabled, disabled.Error())
	case errors.Is(err, engine.ErrNotSwitchable):
		return r.refused(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, metav1.CauseTypeForbidden, engine.ErrNotSwitchable.Error())
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
