// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// statusStrategy is what writes of the status subresource may change: the
// status alone.
type statusStrategy struct{ strategy }

var (
	_ rest.RESTUpdateStrategy  = statusStrategy{}
	_ rest.ResetFieldsStrategy = statusStrategy{}
)

// PrepareForUpdate keeps the stored spec and metadata. Of the written metadata
// remain the resourceVersion, which the store checks for conflicts, and the
// managedFields, which tell who wrote the status.
func (statusStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	session, previous := obj.(*v1alpha1.Session), old.(*v1alpha1.Session)
	alignWithStored(session, previous)
	resourceVersion, managedFields := session.ResourceVersion, session.ManagedFields
	previous.ObjectMeta.DeepCopyInto(&session.ObjectMeta)
	session.ResourceVersion, session.ManagedFields = resourceVersion, managedFields
	previous.Spec.DeepCopyInto(&session.Spec)

	v1alpha1.SetDefaults_SessionStatus(&session.Status)
	for i := range session.Status.Targets {
		v1alpha1.SetDefaults_Target(&session.Status.Targets[i])
	}
}

func (statusStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return v1alpha1.ValidateSessionStatusUpdate(obj.(*v1alpha1.Session), old.(*v1alpha1.Session))
}

// GetResetFields are the fields that no writer comes to own by a write of the
// status.
func (statusStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return map[fieldpath.APIVersion]*fieldpath.Set{
		apiVersion: fieldpath.NewSet(
			fieldpath.MakePathOrDie("metadata"),
			fieldpath.MakePathOrDie("spec"),
		),
	}
}
