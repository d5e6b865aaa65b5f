// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package runner serves runners and runners/status. A Runner belongs to the user that created it: the server records
// the user and refuses the writes of all others.
package runner

import (
	"context"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

var apiVersion = fieldpath.APIVersion(v1alpha1.SchemeGroupVersion.String())

// strategy defines the writes of the main resource: they change everything but the status and what the server sets.
type strategy struct {
	runtime.ObjectTyper
	names.NameGenerator
	// clientCA is what each Runner is to verify the requests of this server with, nil without such requests.
	clientCA func(context.Context) ([]byte, error)
}

var (
	_ rest.RESTCreateStrategy  = strategy{}
	_ rest.RESTUpdateStrategy  = strategy{}
	_ rest.RESTDeleteStrategy  = strategy{}
	_ rest.ResetFieldsStrategy = strategy{}
)

func (strategy) NamespaceScoped() bool { return false }

// PrepareForCreate drops the fields that clients can't set, and records who creates the Runner.
func (s strategy) PrepareForCreate(ctx context.Context, obj runtime.Object) {
	runner := obj.(*v1alpha1.Runner)
	runner.DeletionTimestamp, runner.DeletionGracePeriodSeconds = nil, nil
	runner.Status = v1alpha1.RunnerStatus{}
	runner.Generation = 1
	runner.Spec.User = userName(ctx)
	runner.Spec.ClientCABundle = nil
	if s.clientCA != nil {
		runner.Spec.ClientCABundle, _ = s.clientCA(ctx) // REST.Create has refused the request otherwise.
	}
}

// PrepareForUpdate keeps the status and the fields that the server has set.
func (strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	runner, previous := obj.(*v1alpha1.Runner), old.(*v1alpha1.Runner)
	previous.Status.DeepCopyInto(&runner.Status)
	runner.Spec.User, runner.Spec.ClientCABundle = previous.Spec.User, previous.Spec.ClientCABundle
	if !apiequality.Semantic.DeepEqual(runner.Spec, previous.Spec) {
		runner.Generation = previous.Generation + 1
	}
}

// Validate refuses a resourceVersion here: the storage would call it an error of the server.
func (strategy) Validate(ctx context.Context, obj runtime.Object) field.ErrorList {
	runner := obj.(*v1alpha1.Runner)
	errs := v1alpha1.ValidateRunner(runner)
	if runner.ResourceVersion != "" {
		errs = append(errs, field.Forbidden(field.NewPath("metadata", "resourceVersion"), "must not be set on creation"))
	}
	if userName(ctx) == "" {
		errs = append(errs, field.Required(field.NewPath("spec", "user"), "must be the user of the request, which has none"))
	}
	return errs
}

func (strategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return v1alpha1.ValidateRunnerUpdate(obj.(*v1alpha1.Runner), old.(*v1alpha1.Runner))
}

func (strategy) WarningsOnCreate(context.Context, runtime.Object) []string { return nil }

func (strategy) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

// Canonicalize changes nothing.
func (strategy) Canonicalize(runtime.Object) {}

// AllowCreateOnUpdate is false: only POST and server-side apply create.
func (strategy) AllowCreateOnUpdate() bool { return false }

// AllowUnconditionalUpdate is true: a PUT without a resourceVersion replaces what is stored.
func (strategy) AllowUnconditionalUpdate() bool { return true }

// GetResetFields returns the fields that a write of the main resource ignores.
func (strategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return map[fieldpath.APIVersion]*fieldpath.Set{
		apiVersion: fieldpath.NewSet(
			fieldpath.MakePathOrDie("status"),
			fieldpath.MakePathOrDie("spec", "user"),
			fieldpath.MakePathOrDie("spec", "clientCABundle")),
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
	runner, previous := obj.(*v1alpha1.Runner), old.(*v1alpha1.Runner)
	resourceVersion, managedFields := runner.ResourceVersion, runner.ManagedFields
	previous.ObjectMeta.DeepCopyInto(&runner.ObjectMeta)
	runner.ResourceVersion, runner.ManagedFields = resourceVersion, managedFields
	previous.Spec.DeepCopyInto(&runner.Spec)
}

func (statusStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return v1alpha1.ValidateRunnerStatusUpdate(obj.(*v1alpha1.Runner), old.(*v1alpha1.Runner))
}

// GetResetFields returns the fields that a write of the status ignores.
func (statusStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return map[fieldpath.APIVersion]*fieldpath.Set{
		apiVersion: fieldpath.NewSet(fieldpath.MakePathOrDie("metadata"), fieldpath.MakePathOrDie("spec")),
	}
}

// userName is the name of the user of a request, empty without one.
func userName(ctx context.Context) string {
	if user, ok := genericapirequest.UserFrom(ctx); ok {
		return user.GetName()
	}
	return ""
}
