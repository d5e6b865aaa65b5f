// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// checked is an update that blames the client for a patch that can't be merged,
// and for a resourceVersion that isn't one. The library would answer both as
// errors of the server.
type checked struct{ rest.UpdatedObjectInfo }

// UpdatedObject merges a request with the stored Session. Both have been decoded
// by then, so that an error without a status of its own is one of the request,
// such as a list with two elements of one key.
//
// Upstream: the field manager and strategic merge return plain errors, v0.36;
// remove when they return statuses.
func (c checked) UpdatedObject(ctx context.Context, old runtime.Object) (runtime.Object, error) {
	obj, err := c.UpdatedObjectInfo.UpdatedObject(ctx, old)
	if err != nil {
		if _, isStatus := err.(apierrors.APIStatus); !isStatus {
			err = apierrors.NewBadRequest(err.Error())
		}
		return nil, err
	}
	session := obj.(*v1alpha1.Session)
	if _, err := (storage.APIObjectVersioner{}).ObjectResourceVersion(session); err != nil {
		return nil, apierrors.NewInvalid(v1alpha1.Kind("Session"), session.Name, field.ErrorList{
			field.Invalid(field.NewPath("metadata", "resourceVersion"), session.ResourceVersion, "must be one that the server has answered"),
		})
	}
	return obj, nil
}
