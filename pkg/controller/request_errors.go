// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// triggerError is error with the words that Tilt has for a trigger.
func (r *requested) triggerError(err error) error {
	if unknown := (*engine.UnknownError)(nil); errors.As(err, &unknown) {
		return r.refusal(http.StatusNotFound, metav1.StatusReasonNotFound, metav1.CauseTypeFieldValueNotFound,
			fmt.Sprintf("resource %q does not exist", unknown.Name))
	}
	return r.error(err)
}

// error tells the error of a run as one of the API. Where Tilt has a text for it
// that's the whole message; the cause among the details tells what it is about.
func (r *requested) error(err error) error {
	unknown, disabled := (*engine.UnknownError)(nil), (*engine.DisabledError)(nil)
	switch {
	case errors.As(err, &unknown):
		return r.refusal(http.StatusNotFound, metav1.StatusReasonNotFound, metav1.CauseTypeFieldValueNotFound, unknown.Error())
	case errors.As(err, &disabled):
		return r.refusal(http.StatusConflict, metav1.StatusReasonConflict, v1alpha1.CauseTypeResourceDisabled, disabled.Error())
	case errors.Is(err, engine.ErrNotSwitchable):
		return r.refusal(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, metav1.CauseTypeForbidden, engine.ErrNotSwitchable.Error())
	case errors.Is(err, engine.ErrEnded):
		return apierrors.NewConflict(v1alpha1.Resource("sessions"), r.session, err)
	case errors.Is(err, context.DeadlineExceeded):
		return apierrors.NewTimeoutError(fmt.Sprintf("the run of Session %q didn't answer in time", r.session), 1)
	default:
		return apierrors.NewInternalError(fmt.Errorf("asking the run of Session %q: %w", r.session, err))
	}
}

// refusal is an error because of a resource that's named in spec.resources.
func (r *requested) refusal(code int32, reason metav1.StatusReason, cause metav1.CauseType, message string) error {
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
