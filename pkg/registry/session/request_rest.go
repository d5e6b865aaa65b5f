// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/util/dryrun"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// posted is an object that's posted to a subresource of a Session. It isn't
// stored: the answer is the same object with a status.
type posted interface {
	runtime.Object
	metav1.Object
}

// RequestREST serves a subresource that requests are posted to.
type RequestREST[R posted] struct {
	finder
	kind string
	// empty returns a request to decode into.
	empty    func() R
	validate func(R) field.ErrorList
	// answer has the run do what's asked for and sets the status.
	answer func(ctx context.Context, run Run, asked R, dryRun bool) error
}

var _ rest.NamedCreater = (*RequestREST[*v1alpha1.SessionTrigger])(nil)

// New returns an empty request.
func (r *RequestREST[R]) New() runtime.Object { return r.empty() }

// Destroy does nothing: there's nothing to release.
func (r *RequestREST[R]) Destroy() {}

// Create asks something of the run of a Session.
func (r *RequestREST[R]) Create(ctx context.Context, name string, obj runtime.Object,
	admit rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	asked, ok := obj.(R)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("%T is not a %s", obj, r.kind))
	}
	switch asked.GetName() {
	case name:
	case "":
		asked.SetName(name)
	default:
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the name of the object (%s) is not that of the Session (%s)", asked.GetName(), name))
	}
	// They would tell that the client has written what it has just sent.
	asked.SetManagedFields(nil)
	if errs := r.validate(asked); len(errs) > 0 {
		return nil, apierrors.NewInvalid(v1alpha1.Kind(r.kind), name, errs)
	}
	if admit != nil {
		if err := admit(ctx, asked.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	run, err := r.findUndone(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := r.answer(ctx, run, asked, dryrun.IsDryRun(options.DryRun)); err != nil {
		return nil, err
	}
	return asked, nil
}

func newTriggerREST(f finder) *RequestREST[*v1alpha1.SessionTrigger] {
	return &RequestREST[*v1alpha1.SessionTrigger]{
		finder:   f,
		kind:     "SessionTrigger",
		empty:    func() *v1alpha1.SessionTrigger { return &v1alpha1.SessionTrigger{} },
		validate: v1alpha1.ValidateSessionTrigger,
		answer: func(ctx context.Context, run Run, asked *v1alpha1.SessionTrigger, dryRun bool) (err error) {
			asked.Status, err = run.Trigger(ctx, &asked.Spec, dryRun)
			return err
		},
	}
}

func newEnableREST(f finder) *RequestREST[*v1alpha1.SessionEnable] {
	return &RequestREST[*v1alpha1.SessionEnable]{
		finder:   f,
		kind:     "SessionEnable",
		empty:    func() *v1alpha1.SessionEnable { return &v1alpha1.SessionEnable{} },
		validate: v1alpha1.ValidateSessionEnable,
		answer: func(ctx context.Context, run Run, asked *v1alpha1.SessionEnable, dryRun bool) (err error) {
			asked.Status, err = run.Enable(ctx, &asked.Spec, dryRun)
			return err
		},
	}
}

func newDisableREST(f finder) *RequestREST[*v1alpha1.SessionDisable] {
	return &RequestREST[*v1alpha1.SessionDisable]{
		finder:   f,
		kind:     "SessionDisable",
		empty:    func() *v1alpha1.SessionDisable { return &v1alpha1.SessionDisable{} },
		validate: v1alpha1.ValidateSessionDisable,
		answer: func(ctx context.Context, run Run, asked *v1alpha1.SessionDisable, dryRun bool) (err error) {
			asked.Status, err = run.Disable(ctx, &asked.Spec, dryRun)
			return err
		},
	}
}
