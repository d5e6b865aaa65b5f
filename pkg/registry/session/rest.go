// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"fmt"

	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/registry/session/delivery"
)

// REST serves sessions. It knows every watch that is open on it.
type REST struct {
	*genericregistry.Store
	watches *delivery.Tracker
}

var (
	_ rest.StandardStorage      = (*REST)(nil)
	_ rest.StorageWithReadiness = (*REST)(nil)
	_ rest.ShortNamesProvider   = (*REST)(nil)
	_ rest.CategoriesProvider   = (*REST)(nil)
	_ rest.SingularNameProvider = (*REST)(nil)
)

// NewREST returns what serves sessions and sessions/status from one storage.
// The first of them owns it: its Destroy releases the storage of both.
func NewREST(scheme *runtime.Scheme, options generic.RESTOptionsGetter) (*REST, *StatusREST, error) {
	main := newStrategy(scheme)
	store := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return &v1alpha1.Session{} },
		NewListFunc:               func() runtime.Object { return &v1alpha1.SessionList{} },
		DefaultQualifiedResource:  v1alpha1.Resource("sessions"),
		SingularQualifiedResource: v1alpha1.Resource("session"),
		PredicateFunc:             predicate,
		CreateStrategy:            main,
		UpdateStrategy:            main,
		DeleteStrategy:            main,
		ResetFieldsStrategy:       main,
		TableConvertor:            newTableConvertor(),
	}
	if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: options, AttrFunc: attributes}); err != nil {
		return nil, nil, fmt.Errorf("opening the storage of sessions: %w", err)
	}
	watches := delivery.NewTracker(attributes)
	store.Storage.Storage = watches.Storage(store.Storage.Storage)

	status := *store
	status.UpdateStrategy = statusStrategy{main}
	status.ResetFieldsStrategy = statusStrategy{main}
	return &REST{Store: store, watches: watches}, &StatusREST{store: &status}, nil
}

func predicate(label labels.Selector, field fields.Selector) storage.SelectionPredicate {
	return storage.SelectionPredicate{Label: label, Field: field, GetAttrs: attributes}
}

// ShortNames lets kubectl users write "sess".
func (*REST) ShortNames() []string { return []string{"sess"} }

// Categories lets kubectl users write "tilt".
func (*REST) Categories() []string { return []string{"tilt"} }

// Get implements rest.Getter.
func (r *REST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	obj, err := r.Store.Get(ctx, name, options)
	return obj, versionError(err)
}

// Update implements rest.Updater.
func (r *REST) Update(ctx context.Context, name string, objInfo rest.UpdatedObjectInfo,
	createValidation rest.ValidateObjectFunc, updateValidation rest.ValidateObjectUpdateFunc,
	forceAllowCreate bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return withAudit(ctx, objInfo, options, func(updated rest.UpdatedObjectInfo) (runtime.Object, bool, error) {
		return r.Store.Update(ctx, name, checked{updated}, createValidation, updateValidation, forceAllowCreate, options)
	})
}

// Watch begins a watch that Delivered and EndWatches know of.
func (r *REST) Watch(ctx context.Context, options *metainternalversion.ListOptions) (watch.Interface, error) {
	events, err := r.watches.Watch(ctx, options, r.PredicateFunc, r.Store.Watch)
	return events, versionError(err)
}

// Delivered blocks until every open watch has been handed each event of a
// write that was answered before the call, or has ended. It returns an error
// when ctx is done first.
func (r *REST) Delivered(ctx context.Context) error { return r.watches.Delivered(ctx) }

// EndWatches refuses further watches, hands those that are open what is still
// pending, ends them cleanly and waits until they are answered to the last
// byte. When ctx is done first it ends them as they are and returns an error.
func (r *REST) EndWatches(ctx context.Context) error { return r.watches.End(ctx) }
