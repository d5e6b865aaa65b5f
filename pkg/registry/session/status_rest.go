// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// StatusREST serves sessions/status. It reads and updates, and offers neither
// create nor delete nor watch.
type StatusREST struct{ store *genericregistry.Store }

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
	obj, err := r.store.Get(ctx, name, options)
	return obj, versionError(err)
}

// Update replaces the status of a Session that exists. It never creates one.
func (r *StatusREST) Update(ctx context.Context, name string, objInfo rest.UpdatedObjectInfo,
	createValidation rest.ValidateObjectFunc, updateValidation rest.ValidateObjectUpdateFunc,
	_ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return withAudit(ctx, objInfo, options, func(updated rest.UpdatedObjectInfo) (runtime.Object, bool, error) {
		return r.store.Update(ctx, name, checked{updated}, createValidation, updateValidation, false, options)
	})
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (r *StatusREST) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return r.store.GetResetFields()
}

// ConvertToTable implements rest.TableConvertor.
func (r *StatusREST) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	return r.store.ConvertToTable(ctx, obj, options)
}
