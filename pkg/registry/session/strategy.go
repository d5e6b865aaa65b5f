// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

var apiVersion = fieldpath.APIVersion(v1alpha1.SchemeGroupVersion.String())

// strategy is what writes of the main resource may change: everything but the
// status and what the server itself keeps in metadata.
type strategy struct {
	runtime.ObjectTyper
	names.NameGenerator
}

var (
	_ rest.RESTCreateStrategy  = strategy{}
	_ rest.RESTUpdateStrategy  = strategy{}
	_ rest.RESTDeleteStrategy  = strategy{}
	_ rest.ResetFieldsStrategy = strategy{}
)

func newStrategy(typer runtime.ObjectTyper) strategy {
	return strategy{ObjectTyper: typer, NameGenerator: names.SimpleNameGenerator}
}

func (strategy) NamespaceScoped() bool { return false }

// PrepareForCreate drops what clients can't choose. A deletion is dropped here
// because an apply that creates hands it through, other than a POST.
func (strategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	session := obj.(*v1alpha1.Session)
	session.DeletionTimestamp, session.DeletionGracePeriodSeconds = nil, nil
	session.Status = v1alpha1.SessionStatus{}
	v1alpha1.SetDefaults_SessionStatus(&session.Status)
	session.Generation = 1
}

func (strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	session, previous := obj.(*v1alpha1.Session), old.(*v1alpha1.Session)
	alignWithStored(session, previous)
	previous.Status.DeepCopyInto(&session.Status)
	if !apiequality.Semantic.DeepEqual(session.Spec, previous.Spec) {
		session.Generation = previous.Generation + 1
	}
}

// Validate refuses a resourceVersion here: the storage would call it an error
// of the server.
func (strategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	session := obj.(*v1alpha1.Session)
	errs := v1alpha1.ValidateSession(session)
	if session.ResourceVersion != "" {
		errs = append(errs, field.Forbidden(field.NewPath("metadata", "resourceVersion"), "must not be set on creation"))
	}
	return errs
}

func (strategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return v1alpha1.ValidateSessionUpdate(obj.(*v1alpha1.Session), old.(*v1alpha1.Session))
}

func (strategy) WarningsOnCreate(_ context.Context, obj runtime.Object) []string {
	return warnings(obj.(*v1alpha1.Session), &v1alpha1.Session{})
}

func (strategy) WarningsOnUpdate(_ context.Context, obj, old runtime.Object) []string {
	return warnings(obj.(*v1alpha1.Session), old.(*v1alpha1.Session))
}

func (strategy) Canonicalize(runtime.Object) {}

// AllowCreateOnUpdate is false: only POST and server-side apply create.
func (strategy) AllowCreateOnUpdate() bool { return false }

// AllowUnconditionalUpdate is true: a PUT without a resourceVersion replaces
// whatever is stored.
func (strategy) AllowUnconditionalUpdate() bool { return true }

// GetResetFields are the fields that no writer comes to own by a write of the
// main resource.
func (strategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return map[fieldpath.APIVersion]*fieldpath.Set{
		apiVersion: fieldpath.NewSet(fieldpath.MakePathOrDie("status")),
	}
}
