// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// newPlainStores returns the stores of sessions and sessions/status.
func newPlainStores(scheme *runtime.Scheme, getter generic.RESTOptionsGetter) (*registry.Store, *plainStatus, error) {
	strategy := plainStrategy{scheme, names.SimpleNameGenerator}
	store := &registry.Store{
		NewFunc:                   func() runtime.Object { return &v1alpha1.Session{} },
		NewListFunc:               func() runtime.Object { return &v1alpha1.SessionList{} },
		DefaultQualifiedResource:  v1alpha1.Resource("sessions"),
		SingularQualifiedResource: v1alpha1.Resource("session"),
		CreateStrategy:            strategy,
		UpdateStrategy:            strategy,
		DeleteStrategy:            strategy,
		ResetFieldsStrategy:       strategy,
		TableConvertor:            rest.NewDefaultTableConvertor(v1alpha1.Resource("sessions")),
	}
	options := &generic.StoreOptions{RESTOptions: getter, AttrFunc: storage.DefaultClusterScopedAttr}
	err := store.CompleteWithOptions(options)
	if err != nil {
		return nil, nil, err
	}
	status := *store
	status.UpdateStrategy = plainStatusStrategy{strategy}
	status.ResetFieldsStrategy = plainStatusStrategy{strategy}
	return store, &plainStatus{&status}, nil
}

// plainStatus serves sessions/status.
type plainStatus struct{ store *registry.Store }

var (
	_ rest.Patcher             = (*plainStatus)(nil)
	_ rest.ResetFieldsStrategy = (*plainStatus)(nil)
)

func (*plainStatus) New() runtime.Object { return &v1alpha1.Session{} }

// Destroy does nothing: the main resource owns the storage.
func (*plainStatus) Destroy() {}

func (s *plainStatus) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return s.store.Get(ctx, name, options)
}

func (s *plainStatus) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo,
	createValidation rest.ValidateObjectFunc, updateValidation rest.ValidateObjectUpdateFunc,
	_ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return s.store.Update(ctx, name, info, createValidation, updateValidation, false, options)
}

func (s *plainStatus) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return s.store.GetResetFields()
}

// plainStrategy is that of the main resource.
type plainStrategy struct {
	runtime.ObjectTyper
	names.NameGenerator
}

func (plainStrategy) NamespaceScoped() bool { return false }

func (plainStrategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	session := obj.(*v1alpha1.Session)
	session.Status = v1alpha1.SessionStatus{}
	session.Generation = 1
}

func (plainStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	session, previous := obj.(*v1alpha1.Session), old.(*v1alpha1.Session)
	session.Status = previous.Status
	if !apiequality.Semantic.DeepEqual(session.Spec, previous.Spec) {
		session.Generation = previous.Generation + 1
	}
}

func (plainStrategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return v1alpha1.ValidateSession(obj.(*v1alpha1.Session))
}

func (plainStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return v1alpha1.ValidateSessionUpdate(obj.(*v1alpha1.Session), old.(*v1alpha1.Session))
}

func (plainStrategy) WarningsOnCreate(context.Context, runtime.Object) []string { return nil }

func (plainStrategy) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

func (plainStrategy) Canonicalize(runtime.Object) {}

func (plainStrategy) AllowCreateOnUpdate() bool { return false }

func (plainStrategy) AllowUnconditionalUpdate() bool { return true }

func (plainStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return resetFields("status")
}

func resetFields(names ...string) map[fieldpath.APIVersion]*fieldpath.Set {
	set := fieldpath.NewSet()
	for _, name := range names {
		set.Insert(fieldpath.MakePathOrDie(name))
	}
	return map[fieldpath.APIVersion]*fieldpath.Set{fieldpath.APIVersion(v1alpha1.SchemeGroupVersion.String()): set}
}

// plainStatusStrategy is that of the status.
type plainStatusStrategy struct{ plainStrategy }

func (plainStatusStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	session, previous := obj.(*v1alpha1.Session), old.(*v1alpha1.Session)
	session.Spec = previous.Spec
	metav1.ResetObjectMetaForStatus(session, previous)
}

func (plainStatusStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return v1alpha1.ValidateSessionStatusUpdate(obj.(*v1alpha1.Session), old.(*v1alpha1.Session))
}

func (plainStatusStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return resetFields("metadata", "spec")
}
