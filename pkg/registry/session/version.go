// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// versionError blames the client for a resourceVersion that isn't one. The
// store does that for lists; for reads and watches it passes on the error of
// its storage, which would be told as one of the server.
func versionError(err error) error {
	var invalid storage.InvalidError
	if errors.As(err, &invalid) {
		return apierrors.NewBadRequest("invalid resource version: " + invalid.Error())
	}
	return err
}

// checkedVersion refuses an update to a resourceVersion that isn't one, of which
// the store would tell as an error of the server.
func checkedVersion(updated rest.UpdatedObjectInfo) rest.UpdatedObjectInfo {
	return rest.WrapUpdatedObjectInfo(updated, func(_ context.Context, obj, _ runtime.Object) (runtime.Object, error) {
		session := obj.(*v1alpha1.Session)
		if _, err := (storage.APIObjectVersioner{}).ObjectResourceVersion(session); err != nil {
			return nil, apierrors.NewInvalid(v1alpha1.Kind("Session"), session.Name, field.ErrorList{
				field.Invalid(field.NewPath("metadata", "resourceVersion"), session.ResourceVersion, "must be one that the server has answered"),
			})
		}
		return obj, nil
	})
}
