// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/authentication/user"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/registry/session/delivery"
)

// REST serves runners. It tracks its open watches.
type REST struct {
	*genericregistry.Store
	watches  *delivery.Tracker
	clientCA func(context.Context) ([]byte, error)
}

var (
	_ rest.StandardStorage      = (*REST)(nil)
	_ rest.StorageWithReadiness = (*REST)(nil)
	_ rest.CategoriesProvider   = (*REST)(nil)
	_ rest.SingularNameProvider = (*REST)(nil)
)

// NewREST returns the implementations of runners and runners/status over one storage. The first of them owns it: its
// Destroy releases the storage of both. Each new Runner gets what clientCA returns, to verify the requests of this
// server with; nil is for a server without such requests.
func NewREST(
	scheme *runtime.Scheme, options generic.RESTOptionsGetter, clientCA func(context.Context) ([]byte, error),
) (*REST, *StatusREST, error) {
	main := strategy{ObjectTyper: scheme, NameGenerator: names.SimpleNameGenerator, clientCA: clientCA}
	runners := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return &v1alpha1.Runner{} },
		NewListFunc:               func() runtime.Object { return &v1alpha1.RunnerList{} },
		DefaultQualifiedResource:  v1alpha1.Resource("runners"),
		SingularQualifiedResource: v1alpha1.Resource("runner"),
		PredicateFunc:             predicate,
		CreateStrategy:            main,
		UpdateStrategy:            main,
		DeleteStrategy:            main,
		ResetFieldsStrategy:       main,
		TableConvertor:            newTable(),
	}
	watches := delivery.NewTracker(attributes)
	err := runners.CompleteWithOptions(&generic.StoreOptions{RESTOptions: watches.Options(options), AttrFunc: attributes})
	if err != nil {
		return nil, nil, fmt.Errorf("open the storage of runners: %w", err)
	}
	status := *runners
	status.UpdateStrategy = statusStrategy{main}
	status.ResetFieldsStrategy = statusStrategy{main}
	return &REST{Store: runners, watches: watches, clientCA: clientCA}, &StatusREST{store: &status}, nil
}

// attributes returns the labels and fields that selectors match.
func attributes(obj runtime.Object) (labels.Set, fields.Set, error) {
	runner, ok := obj.(*v1alpha1.Runner)
	if !ok {
		return nil, nil, fmt.Errorf("%T is not a Runner", obj)
	}
	return runner.Labels, fields.Set{v1alpha1.FieldName: runner.Name}, nil
}

func predicate(label labels.Selector, field fields.Selector) storage.SelectionPredicate {
	return storage.SelectionPredicate{Label: label, Field: field, GetAttrs: attributes}
}

// Categories implements rest.CategoriesProvider.
func (*REST) Categories() []string { return []string{"tilt"} }

// Watch begins a watch that EndWatches covers.
func (r *REST) Watch(ctx context.Context, options *metainternalversion.ListOptions) (watch.Interface, error) {
	return r.watches.Watch(ctx, options, r.PredicateFunc, r.Store.Watch)
}

// EndWatches refuses further watches, hands open ones their pending events, ends them cleanly and waits until their
// answers are complete. When ctx is done first it ends them as they are and returns an error.
func (r *REST) EndWatches(ctx context.Context) error { return r.watches.End(ctx) }

// Create adds a Runner of the requester.
func (r *REST) Create(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc,
	options *metav1.CreateOptions) (runtime.Object, error) {
	if r.clientCA != nil {
		if _, err := r.clientCA(ctx); err != nil {
			return nil, apierrors.NewServiceUnavailable(err.Error())
		}
	}
	return r.Store.Create(ctx, obj, validate, options)
}

// Update implements rest.Updater for the user of the Runner.
func (r *REST) Update(ctx context.Context, name string, objInfo rest.UpdatedObjectInfo,
	createValidation rest.ValidateObjectFunc, updateValidation rest.ValidateObjectUpdateFunc,
	forceAllowCreate bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return r.Store.Update(ctx, name, owned{objInfo}, createValidation, updateValidation, forceAllowCreate, options)
}

// Delete implements rest.GracefulDeleter for the user of the Runner and for administrators.
func (r *REST) Delete(ctx context.Context, name string, validate rest.ValidateObjectFunc,
	options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	return r.Store.Delete(ctx, name, mayDelete(validate), options)
}

// DeleteCollection implements rest.CollectionDeleter for administrators, and for users whose own Runners are selected.
func (r *REST) DeleteCollection(ctx context.Context, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions,
	list *metainternalversion.ListOptions) (runtime.Object, error) {
	return r.Store.DeleteCollection(ctx, mayDelete(validate), options, list)
}

func mayDelete(validate rest.ValidateObjectFunc) rest.ValidateObjectFunc {
	return func(ctx context.Context, obj runtime.Object) error {
		if !isAdministrator(ctx) {
			if err := checkOwner(ctx, obj.(*v1alpha1.Runner)); err != nil {
				return err
			}
		}
		return validate(ctx, obj)
	}
}

func isAdministrator(ctx context.Context) bool {
	by, ok := genericapirequest.UserFrom(ctx)
	return ok && slices.Contains(by.GetGroups(), user.SystemPrivilegedGroup)
}

// checkOwner returns an error for a request of another user than the Runner's.
func checkOwner(ctx context.Context, runner *v1alpha1.Runner) error {
	if name := userName(ctx); name == "" || name != runner.Spec.User {
		return apierrors.NewForbidden(v1alpha1.Resource("runners"), runner.Name,
			fmt.Errorf("it belongs to user %q, and only that user may change it", runner.Spec.User))
	}
	return nil
}

// owned is an update that only the user of the Runner may make.
type owned struct{ rest.UpdatedObjectInfo }

// UpdatedObject merges a request with the stored Runner. Without a resourceVersion the latter doesn't exist yet.
func (u owned) UpdatedObject(ctx context.Context, old runtime.Object) (runtime.Object, error) {
	if stored := old.(*v1alpha1.Runner); stored.ResourceVersion != "" {
		if err := checkOwner(ctx, stored); err != nil {
			return nil, err
		}
	}
	obj, err := u.UpdatedObjectInfo.UpdatedObject(ctx, old)
	if err == nil {
		return obj, nil
	}
	if _, isStatus := err.(apierrors.APIStatus); !isStatus {
		err = apierrors.NewBadRequest(err.Error())
	}
	return nil, err
}

// StatusREST serves runners/status. It supports neither create nor delete nor watch.
type StatusREST struct{ store *genericregistry.Store }

var (
	_ rest.Storage             = (*StatusREST)(nil)
	_ rest.Patcher             = (*StatusREST)(nil)
	_ rest.TableConvertor      = (*StatusREST)(nil)
	_ rest.ResetFieldsStrategy = (*StatusREST)(nil)
)

// New returns an empty Runner.
func (r *StatusREST) New() runtime.Object { return r.store.New() }

// Destroy does nothing: the storage belongs to the main resource.
func (r *StatusREST) Destroy() {}

// Get reads a Runner.
func (r *StatusREST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return r.store.Get(ctx, name, options)
}

// Update replaces the status of a Runner that exists. It never creates one.
func (r *StatusREST) Update(ctx context.Context, name string, objInfo rest.UpdatedObjectInfo,
	createValidation rest.ValidateObjectFunc, updateValidation rest.ValidateObjectUpdateFunc,
	_ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return r.store.Update(ctx, name, owned{objInfo}, createValidation, updateValidation, false, options)
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (r *StatusREST) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return r.store.GetResetFields()
}

// ConvertToTable implements rest.TableConvertor.
func (r *StatusREST) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	return r.store.ConvertToTable(ctx, obj, options)
}
