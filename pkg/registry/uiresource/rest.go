// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package uiresource

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

func newResources(scheme *runtime.Scheme) *kind {
	return newKind("uiresource", strategy{scheme}, resourceTable(),
		func() runtime.Object { return &v1alpha1.UIResource{} },
		func() runtime.Object { return &v1alpha1.UIResourceList{} })
}

func newButtons(scheme *runtime.Scheme) *kind {
	return newKind("uibutton", strategy{scheme}, buttonTable(),
		func() runtime.Object { return &v1alpha1.UIButton{} },
		func() runtime.Object { return &v1alpha1.UIButtonList{} })
}

func newKind(singular string, s strategy, table rest.TableConvertor, newFunc, newList func() runtime.Object) *kind {
	return &kind{
		store: &genericregistry.Store{
			NewFunc:                   newFunc,
			NewListFunc:               newList,
			DefaultQualifiedResource:  v1alpha1.Resource(singular + "s"),
			SingularQualifiedResource: v1alpha1.Resource(singular),
			PredicateFunc:             predicate,
			CreateStrategy:            s,
			UpdateStrategy:            s,
			DeleteStrategy:            s,
			ResetFieldsStrategy:       s,
			TableConvertor:            table,
		},
		watches:   delivery.NewTracker(attributes),
		published: map[string]object{},
	}
}

func (k *kind) open(options generic.RESTOptionsGetter) error {
	err := k.store.CompleteWithOptions(
		&generic.StoreOptions{RESTOptions: k.watches.Options(options), AttrFunc: attributes})
	if err != nil {
		return fmt.Errorf("open the storage of %s: %w", k.store.DefaultQualifiedResource, err)
	}
	return nil
}

// attributes returns the labels and fields that selectors match.
func attributes(obj runtime.Object) (labels.Set, fields.Set, error) {
	o, ok := obj.(object)
	if !ok {
		return nil, nil, fmt.Errorf("%T has no metadata", obj)
	}
	return o.GetLabels(), fields.Set{v1alpha1.FieldName: o.GetName()}, nil
}

func predicate(label labels.Selector, field fields.Selector) storage.SelectionPredicate {
	return storage.SelectionPredicate{Label: label, Field: field, GetAttrs: attributes}
}

// reader serves a kind to be read.
type reader struct {
	view *View
	kind *kind
}

var (
	_ rest.Storage              = reader{}
	_ rest.Scoper               = reader{}
	_ rest.Getter               = reader{}
	_ rest.Lister               = reader{}
	_ rest.Watcher              = reader{}
	_ rest.CategoriesProvider   = reader{}
	_ rest.SingularNameProvider = reader{}
)

// New returns an empty object.
func (r reader) New() runtime.Object { return r.kind.store.NewFunc() }

// NewList returns an empty list.
func (r reader) NewList() runtime.Object { return r.kind.store.NewListFunc() }

// Destroy does nothing: End of the View ends the storage.
func (r reader) Destroy() {}

// NamespaceScoped implements rest.Scoper.
func (r reader) NamespaceScoped() bool { return false }

// GetSingularName implements rest.SingularNameProvider.
func (r reader) GetSingularName() string { return r.kind.store.SingularQualifiedResource.Resource }

// Categories implements rest.CategoriesProvider.
func (r reader) Categories() []string { return []string{"tilt"} }

// Get reads an object.
func (r reader) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	if err := r.view.ready(ctx); err != nil {
		return nil, err
	}
	return r.kind.store.Get(ctx, name, options)
}

// List reads all selected objects.
func (r reader) List(ctx context.Context, options *metainternalversion.ListOptions) (runtime.Object, error) {
	if err := r.view.ready(ctx); err != nil {
		return nil, err
	}
	return r.kind.store.List(ctx, options)
}

// Watch begins a watch that Delivered and End of the View cover.
func (r reader) Watch(ctx context.Context, options *metainternalversion.ListOptions) (watch.Interface, error) {
	if err := r.view.ready(ctx); err != nil {
		return nil, err
	}
	w, err := r.kind.watches.Watch(ctx, options, predicate, r.kind.store.Watch)
	if err != nil {
		return nil, err
	}
	// What has changed since, follow has left alone if there was no other watch.
	if err := r.view.ready(ctx); err != nil {
		w.Stop()
		return nil, err
	}
	return w, nil
}

// ConvertToTable implements rest.TableConvertor.
func (r reader) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	return r.kind.store.TableConvertor.ConvertToTable(ctx, obj, options)
}
