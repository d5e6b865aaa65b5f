// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

var apiVersion = fieldpath.APIVersion(v1alpha1.SchemeGroupVersion.String())

// strategy defines the writes of the main resource: they change everything but the status and the metadata that the
// server sets.
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

// NewStrategy returns the strategy of the main resource, for servers that keep Sessions in a store of their own.
func NewStrategy(typer runtime.ObjectTyper) rest.RESTCreateUpdateStrategy { return newStrategy(typer) }

func newStrategy(typer runtime.ObjectTyper) strategy {
	return strategy{ObjectTyper: typer, NameGenerator: names.SimpleNameGenerator}
}

func (strategy) NamespaceScoped() bool { return false }

// PrepareForCreate drops the fields that clients can't set. It drops a deletion because an
// apply that creates passes it on, unlike a POST.
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

// Validate refuses a resourceVersion here: the storage would call it an error of the server.
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

// insteadOf has the annotations that have no effect, each with the field of the spec to use.
var insteadOf = []struct{ annotation, field string }{
	{"tilt.dev/args", "spec.args"},
	{"tilt.dev/keep-going", "spec.keepGoing"},
	{"tilt.dev/ttl-after-finished", "spec.ttlSecondsAfterFinished"},
}

// warnings returns a warning for each part of a write that is valid but has no effect.
func warnings(session, previous *v1alpha1.Session) []string {
	var warnings []string
	for _, use := range insteadOf {
		value, present := session.Annotations[use.annotation]
		if before, was := previous.Annotations[use.annotation]; present && (!was || value != before) {
			warnings = append(warnings, fmt.Sprintf("annotation %q has no effect: use %s", use.annotation, use.field))
		}
	}
	spec := session.Spec
	spec.TTLSecondsAfterFinished = previous.Spec.TTLSecondsAfterFinished // which acts on what is done
	if previous.Status.Done && !apiequality.Semantic.DeepEqual(spec, previous.Spec) {
		warnings = append(warnings, fmt.Sprintf("session %q is done, and isn't run again whatever is changed: "+
			"create another one, or delete it and create it again", session.Name))
	}
	return warnings
}

// Canonicalize replaces an empty list of arguments by a missing one.
func (strategy) Canonicalize(obj runtime.Object) {
	if spec := &obj.(*v1alpha1.Session).Spec; len(spec.Args) == 0 {
		spec.Args = nil
	}
}

// AllowCreateOnUpdate is false: only POST and server-side apply create.
func (strategy) AllowCreateOnUpdate() bool { return false }

// AllowUnconditionalUpdate is true: a PUT without a resourceVersion replaces what is stored.
func (strategy) AllowUnconditionalUpdate() bool { return true }

// GetResetFields returns the fields that a write of the main resource ignores.
func (strategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return map[fieldpath.APIVersion]*fieldpath.Set{
		apiVersion: fieldpath.NewSet(fieldpath.MakePathOrDie("status")),
	}
}

// statusStrategy defines the writes of the status subresource: they change the status alone.
type statusStrategy struct{ strategy }

var (
	_ rest.RESTUpdateStrategy  = statusStrategy{}
	_ rest.ResetFieldsStrategy = statusStrategy{}
)

// PrepareForUpdate keeps the stored spec and metadata. From the request it takes the resourceVersion, which the store
// checks for conflicts, and the managedFields, which name the manager of the status.
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

// GetResetFields returns the fields that a write of the status ignores.
func (statusStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return map[fieldpath.APIVersion]*fieldpath.Set{
		apiVersion: fieldpath.NewSet(fieldpath.MakePathOrDie("metadata"), fieldpath.MakePathOrDie("spec")),
	}
}

// alignWithStored lets the store detect a write that changes only the times in managedFields, which an apply always
// sets. The store compares both Sessions as Go values, and managedFields entry by entry. A stored Session has
// its kind, which an applied one lacks, and no selfLink; and an apply moves its manager's entry behind the others.
//
// Upstream: IgnoreManagedFieldsTimestampsTransformer compares entries in their
// order, v0.36; remove the sorting when it doesn't.
func alignWithStored(session, previous *v1alpha1.Session) {
	session.TypeMeta = previous.TypeMeta
	session.SetSelfLink("")
	if sorted, same := inOrderOf(previous.ManagedFields, session.ManagedFields); same {
		session.ManagedFields = sorted
	}
}

// inOrderOf returns entries in the order of others, if they are the same except for their times.
func inOrderOf(others, entries []metav1.ManagedFieldsEntry) ([]metav1.ManagedFieldsEntry, bool) {
	if len(entries) == 0 || len(others) != len(entries) {
		return nil, false
	}
	sorted := make([]metav1.ManagedFieldsEntry, 0, len(entries))
	for _, other := range others {
		i := slices.IndexFunc(entries, func(entry metav1.ManagedFieldsEntry) bool {
			entry.Time = other.Time
			return reflect.DeepEqual(entry, other)
		})
		if i < 0 {
			return nil, false
		}
		sorted = append(sorted, entries[i])
	}
	return sorted, true
}
