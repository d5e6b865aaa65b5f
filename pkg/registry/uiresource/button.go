// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package uiresource

import (
	"context"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// statusREST serves uibuttons/status.
type statusREST struct{ reader reader }

var (
	_ rest.Storage             = (*statusREST)(nil)
	_ rest.Patcher             = (*statusREST)(nil)
	_ rest.TableConvertor      = (*statusREST)(nil)
	_ rest.ResetFieldsStrategy = (*statusREST)(nil)
)

// New returns an empty button.
func (r *statusREST) New() runtime.Object { return r.reader.New() }

// Destroy does nothing: End of the View ends the storage.
func (r *statusREST) Destroy() {}

// Get reads a button.
func (r *statusREST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return r.reader.Get(ctx, name, options)
}

// ConvertToTable implements rest.TableConvertor.
func (r *statusREST) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	return r.reader.ConvertToTable(ctx, obj, options)
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (r *statusREST) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return strategy{}.GetResetFields()
}

// Update replaces the status of a button. If that makes lastClickedAt later, the button is pressed: the answer is the
// error of that, if there is one, and the status stays as it was written.
func (r *statusREST) Update(ctx context.Context, name string, objInfo rest.UpdatedObjectInfo,
	createValidation rest.ValidateObjectFunc, updateValidation rest.ValidateObjectUpdateFunc,
	_ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	if err := r.reader.view.ready(ctx); err != nil {
		return nil, false, err
	}
	update := &pressing{UpdatedObjectInfo: objInfo}
	obj, _, err := r.reader.kind.store.Update(ctx, name, update, createValidation, updateValidation, false, options)
	if err != nil {
		return nil, false, err
	}
	button := obj.(*v1alpha1.UIButton)
	if pressed(button, update.before) && len(options.DryRun) == 0 {
		err = r.reader.view.source.Press(ctx, button)
	}
	return obj, false, err
}

// pressing is an update that knows what it was last computed from.
type pressing struct {
	rest.UpdatedObjectInfo
	before *v1alpha1.UIButton
}

// UpdatedObject implements rest.UpdatedObjectInfo.
func (p *pressing) UpdatedObject(ctx context.Context, old runtime.Object) (runtime.Object, error) {
	p.before = old.(*v1alpha1.UIButton)
	return p.UpdatedObjectInfo.UpdatedObject(ctx, old)
}

// pressed reports whether a button was pressed since before.
func pressed(now, before *v1alpha1.UIButton) bool {
	return now.Status.LastClickedAt.After(before.Status.LastClickedAt.Time)
}

// updateResource makes a stored UIResource what is projected.
func updateResource(stored object, projected *v1alpha1.UIResource) {
	r := stored.(*v1alpha1.UIResource)
	r.Labels, r.Annotations, r.Status = projected.Labels, projected.Annotations, projected.Status
}

// updateButton makes a stored UIButton what is projected, but for its status, which belongs to those who press it.
func updateButton(stored object, projected *v1alpha1.UIButton) {
	b := stored.(*v1alpha1.UIButton)
	b.Labels, b.Annotations, b.Spec = projected.Labels, projected.Annotations, projected.Spec
}

// strategy defines the writes of users: those of the status of a button.
type strategy struct{ runtime.ObjectTyper }

var (
	_ rest.RESTCreateStrategy  = strategy{}
	_ rest.RESTUpdateStrategy  = strategy{}
	_ rest.RESTDeleteStrategy  = strategy{}
	_ rest.ResetFieldsStrategy = strategy{}
)

// GenerateName implements names.NameGenerator.
func (strategy) GenerateName(base string) string { return names.SimpleNameGenerator.GenerateName(base) }

func (strategy) NamespaceScoped() bool { return false }

func (strategy) PrepareForCreate(context.Context, runtime.Object) {}

func (strategy) Validate(context.Context, runtime.Object) field.ErrorList { return nil }

func (strategy) WarningsOnCreate(context.Context, runtime.Object) []string { return nil }

// PrepareForUpdate keeps the stored spec and metadata, but for the resourceVersion, which the store checks for
// conflicts, and the managedFields.
func (strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	button, stored := obj.(*v1alpha1.UIButton), old.(*v1alpha1.UIButton)
	resourceVersion, managedFields := button.ResourceVersion, button.ManagedFields
	button.TypeMeta = stored.TypeMeta
	stored.ObjectMeta.DeepCopyInto(&button.ObjectMeta)
	button.ResourceVersion, button.ManagedFields = resourceVersion, managedFields
	stored.Spec.DeepCopyInto(&button.Spec)
}

// ValidateUpdate checks the inputs against what the button asks for.
func (strategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	button, status := obj.(*v1alpha1.UIButton), field.NewPath("status")
	var errs field.ErrorList
	if button.Spec.Disabled && pressed(button, old.(*v1alpha1.UIButton)) {
		errs = append(errs, field.Forbidden(status.Child("lastClickedAt"), "the button is disabled"))
	}
	for i := range button.Status.Inputs {
		errs = append(errs, validateInput(status.Child("inputs").Index(i), &button.Status.Inputs[i], button.Spec.Inputs)...)
	}
	return errs
}

func validateInput(at *field.Path, input *v1alpha1.UIInputStatus, specs []v1alpha1.UIInputSpec) field.ErrorList {
	i := slices.IndexFunc(specs, func(spec v1alpha1.UIInputSpec) bool { return spec.Name == input.Name })
	if i < 0 {
		return field.ErrorList{field.NotFound(at.Child("name"), input.Name)}
	}
	spec := &specs[i]
	kinds := []struct {
		name        string
		wanted, set bool
	}{
		{"text", spec.Text != nil, input.Text != nil}, {"bool", spec.Bool != nil, input.Bool != nil},
		{"hidden", spec.Hidden != nil, input.Hidden != nil}, {"choice", spec.Choice != nil, input.Choice != nil},
	}
	var errs field.ErrorList
	for _, kind := range kinds {
		if kind.set && !kind.wanted {
			errs = append(errs, field.Forbidden(at.Child(kind.name), "the button asks for a value of another kind"))
		}
	}
	if input.Text != nil && strings.Contains(input.Text.Value, "\x00") {
		errs = append(errs, field.Invalid(at.Child("text", "value"), input.Text.Value, "must not have a NUL byte"))
	}
	if choice := input.Choice; choice != nil && spec.Choice != nil && !slices.Contains(spec.Choice.Choices, choice.Value) {
		errs = append(errs, field.NotSupported(at.Child("choice", "value"), choice.Value, spec.Choice.Choices))
	}
	return errs
}

func (strategy) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

func (strategy) Canonicalize(runtime.Object) {}

func (strategy) AllowCreateOnUpdate() bool { return false }

// AllowUnconditionalUpdate is true: a PUT without a resourceVersion presses the button as it is.
func (strategy) AllowUnconditionalUpdate() bool { return true }

// GetResetFields returns the fields that a write of the status ignores.
func (strategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return map[fieldpath.APIVersion]*fieldpath.Set{
		fieldpath.APIVersion(v1alpha1.SchemeGroupVersion.String()): fieldpath.NewSet(
			fieldpath.MakePathOrDie("metadata"), fieldpath.MakePathOrDie("spec")),
	}
}
