// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/audit"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// The annotations of the audit event of an update, which say what the update has
// changed. Each is present only if it applies, and none on a dry run.
const (
	// auditUnchanged is "true" if there was nothing to change, so that nothing
	// was stored and no watch has an event of it.
	auditUnchanged = "session.tilt.dev/unchanged"
	// auditGeneration is the new generation if the spec has changed.
	auditGeneration = "session.tilt.dev/generation"
	// auditState is the state that tables show before and after the update, such
	// as "Running -> Failed", if that has changed.
	auditState = "session.tilt.dev/state"
	// auditDeleted is "true" if the update has completed a deletion, by removing the last finalizer.
	auditDeleted = "session.tilt.dev/deleted"
)

// update runs an update of the main resource or of the status, reports mistakes of
// the client as such, and annotates the audit event of the request.
func update(ctx context.Context, store *genericregistry.Store, name string, objInfo rest.UpdatedObjectInfo,
	createValidation rest.ValidateObjectFunc, updateValidation rest.ValidateObjectUpdateFunc,
	forceAllowCreate bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	checked := &checkedUpdate{UpdatedObjectInfo: objInfo}
	obj, created, err := store.Update(ctx, name, checked, createValidation, updateValidation, forceAllowCreate, options)
	if err == nil && !created && len(options.DryRun) == 0 {
		annotate(ctx, checked.before, obj.(*v1alpha1.Session))
	}
	return obj, created, err
}

// checkedUpdate is an update whose mistakes are the client's: a patch that can't be merged, and a resourceVersion
// of another form. The library answers both as errors of the server.
//
// Upstream: the field manager and strategic merge return plain errors, v0.36;
// remove when they return statuses.
type checkedUpdate struct {
	rest.UpdatedObjectInfo
	// before is what the update was last computed from.
	before *v1alpha1.Session
}

// UpdatedObject merges a request with the stored Session. Both have been decoded by then, so that an error without
// a status of its own is one of the request, such as a list with two elements of one key. The store calls it again
// each time that it finds a newer Session than the one it had.
func (u *checkedUpdate) UpdatedObject(ctx context.Context, old runtime.Object) (runtime.Object, error) {
	u.before = old.(*v1alpha1.Session)
	obj, err := u.UpdatedObjectInfo.UpdatedObject(ctx, old)
	if err != nil {
		if _, isStatus := err.(apierrors.APIStatus); !isStatus {
			err = apierrors.NewBadRequest(err.Error())
		}
		return nil, err
	}
	session := obj.(*v1alpha1.Session)
	if _, err := (storage.APIObjectVersioner{}).ObjectResourceVersion(session); err != nil {
		return nil, apierrors.NewInvalid(v1alpha1.Kind("Session"), session.Name, field.ErrorList{
			field.Invalid(field.NewPath("metadata", "resourceVersion"), session.ResourceVersion,
				"must be one that the server has answered"),
		})
	}
	return obj, nil
}

func annotate(ctx context.Context, before, after *v1alpha1.Session) {
	switch {
	case after.DeletionTimestamp != nil && len(after.Finalizers) == 0:
		audit.AddAuditAnnotation(ctx, auditDeleted, "true")
	case after.ResourceVersion == before.ResourceVersion:
		audit.AddAuditAnnotation(ctx, auditUnchanged, "true")
	}
	if after.Generation != before.Generation {
		audit.AddAuditAnnotation(ctx, auditGeneration, strconv.FormatInt(after.Generation, 10))
	}
	if old, now := stateOf(before), stateOf(after); old != now {
		audit.AddAuditAnnotation(ctx, auditState, old+" -> "+now)
	}
}

// versionError reports a resourceVersion of another form as a mistake of the client. The store does so for lists;
// for reads and watches it passes on the error of its storage, which would be answered as one of the server.
func versionError(err error) error {
	var invalid storage.InvalidError
	if errors.As(err, &invalid) {
		return apierrors.NewBadRequest("invalid resource version: " + invalid.Error())
	}
	return err
}
