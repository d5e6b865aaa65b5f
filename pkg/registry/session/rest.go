// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/registry/session/delivery"
)

// REST serves sessions. It tracks its open watches.
type REST struct {
	store
	scheme  *runtime.Scheme
	watches *delivery.Tracker
}

var (
	_ rest.StandardStorage      = (*REST)(nil)
	_ rest.StorageWithReadiness = (*REST)(nil)
	_ rest.ShortNamesProvider   = (*REST)(nil)
	_ rest.CategoriesProvider   = (*REST)(nil)
	_ rest.SingularNameProvider = (*REST)(nil)
)

// NewREST returns the implementations of sessions and sessions/status over one storage.
// The first of them owns it: its Destroy releases the storage of both.
func NewREST(scheme *runtime.Scheme, options generic.RESTOptionsGetter) (*REST, *StatusREST, error) {
	main := newStrategy(scheme)
	sessions := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return &v1alpha1.Session{} },
		NewListFunc:               func() runtime.Object { return &v1alpha1.SessionList{} },
		DefaultQualifiedResource:  v1alpha1.Resource("sessions"),
		SingularQualifiedResource: v1alpha1.Resource("session"),
		PredicateFunc:             predicate,
		CreateStrategy:            main,
		UpdateStrategy:            main,
		DeleteStrategy:            main,
		ResetFieldsStrategy:       main,
		TableConvertor:            NewTableConvertor(),
	}
	watches := delivery.NewTracker(attributes)
	storeOptions := &generic.StoreOptions{RESTOptions: watches.Options(options), AttrFunc: attributes}
	if err := sessions.CompleteWithOptions(storeOptions); err != nil {
		return nil, nil, fmt.Errorf("open the storage of sessions: %w", err)
	}

	status := *sessions
	status.UpdateStrategy = statusStrategy{main}
	status.ResetFieldsStrategy = statusStrategy{main}
	return &REST{store: store{sessions}, scheme: scheme, watches: watches}, &StatusREST{store: store{&status}}, nil
}

// attributes returns the labels and fields that selectors match.
func attributes(obj runtime.Object) (labels.Set, fields.Set, error) {
	session, ok := obj.(*v1alpha1.Session)
	if !ok {
		return nil, nil, fmt.Errorf("%T is not a Session", obj)
	}
	return session.Labels, v1alpha1.SelectableFields(session), nil
}

func predicate(label labels.Selector, field fields.Selector) storage.SelectionPredicate {
	return storage.SelectionPredicate{Label: label, Field: field, GetAttrs: attributes}
}

// ShortNames implements rest.ShortNamesProvider.
func (*REST) ShortNames() []string { return []string{"sess"} }

// Categories implements rest.CategoriesProvider.
func (*REST) Categories() []string { return []string{"tilt"} }

// Watch begins a watch that Delivered and EndWatches cover.
func (r *REST) Watch(ctx context.Context, options *metainternalversion.ListOptions) (watch.Interface, error) {
	events, err := r.watches.Watch(ctx, options, r.PredicateFunc, r.Store.Watch)
	return events, versionError(err)
}

// Delivered blocks until every open watch has been handed each event of a write that was answered before the call,
// or has ended. It returns an error when ctx is done first.
func (r *REST) Delivered(ctx context.Context) error { return r.watches.Delivered(ctx) }

// EndWatches refuses further watches, hands open ones their pending events, ends them cleanly and waits until their
// answers are complete. When ctx is done first it ends them as they are and returns an error.
func (r *REST) EndWatches(ctx context.Context) error { return r.watches.End(ctx) }

// StatusREST serves sessions/status. It supports neither create nor delete nor watch.
type StatusREST struct{ store store }

var (
	_ rest.Storage             = (*StatusREST)(nil)
	_ rest.Patcher             = (*StatusREST)(nil)
	_ rest.TableConvertor      = (*StatusREST)(nil)
	_ rest.ResetFieldsStrategy = (*StatusREST)(nil)
)

// New returns an empty Session.
func (r *StatusREST) New() runtime.Object { return r.store.New() }

// Destroy does nothing: the storage belongs to the main resource.
func (r *StatusREST) Destroy() {}

// Get reads a Session.
func (r *StatusREST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return r.store.Get(ctx, name, options)
}

// Update replaces the status of a Session that exists. It never creates one.
func (r *StatusREST) Update(ctx context.Context, name string, objInfo rest.UpdatedObjectInfo,
	createValidation rest.ValidateObjectFunc, updateValidation rest.ValidateObjectUpdateFunc,
	_ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return r.store.Update(ctx, name, fencedUpdate{objInfo}, createValidation, updateValidation, false, options)
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (r *StatusREST) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return r.store.GetResetFields()
}

// ConvertToTable implements rest.TableConvertor.
func (r *StatusREST) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	return r.store.ConvertToTable(ctx, obj, options)
}

// The annotations of the audit event of an update. Each is present only if it applies, and none on a dry run.
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

// store reports mistakes of the client as such, and annotates the audit events of updates.
type store struct{ *genericregistry.Store }

// Get implements rest.Getter.
func (s store) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	obj, err := s.Store.Get(ctx, name, options)
	return obj, versionError(err)
}

// Update implements rest.Updater.
func (s store) Update(ctx context.Context, name string, objInfo rest.UpdatedObjectInfo,
	createValidation rest.ValidateObjectFunc, updateValidation rest.ValidateObjectUpdateFunc,
	forceAllowCreate bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	checked := &checkedUpdate{UpdatedObjectInfo: objInfo}
	obj, created, err := s.Store.Update(ctx, name, checked, createValidation, updateValidation, forceAllowCreate, options)
	if err == nil && !created && len(options.DryRun) == 0 {
		annotate(ctx, checked.before, obj.(*v1alpha1.Session))
	}
	return obj, created, err
}

// checkedUpdate is an update whose mistakes are the client's: a patch that can't be merged, and a resourceVersion
// of another form. The library answers both as errors of the server.
//
// Upstream: the field manager and strategic merge return plain errors, v0.36; remove when they return statuses.
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
