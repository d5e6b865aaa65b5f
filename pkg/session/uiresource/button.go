// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package uiresource

import (
	"cmp"
	"maps"
	"slices"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// Buttons are the UIButtons of a snapshot, not pressed yet.
func (p Projection) Buttons(snap *engine.Snapshot) []*v1alpha1.UIButton {
	list := make([]*v1alpha1.UIButton, 0, len(snap.Buttons))
	for i := range snap.Buttons {
		b := &snap.Buttons[i]
		object := &v1alpha1.UIButton{ObjectMeta: p.metadata(b.Name, snap), Spec: v1alpha1.UIButtonSpec{
			Location: v1alpha1.UIComponentLocation{ComponentID: b.ComponentID, ComponentType: b.ComponentType},
			Text:     b.Text, IconName: b.IconName, IconSVG: b.IconSVG,
			Disabled: b.Disabled, RequiresConfirmation: b.Confirm,
		}}
		// What the Tiltfile says doesn't replace what the names are found by.
		object.Labels, object.Annotations = over(b.Labels, object.Labels), over(b.Annotations, object.Annotations)
		if b.ComponentType == "Resource" {
			object.Spec.Location.ComponentID = p.Name(b.ComponentID)
			label(object.Labels, v1alpha1.UIName, b.ComponentID)
		} else {
			delete(object.Labels, v1alpha1.UIName)
		}
		for _, input := range b.Inputs {
			object.Spec.Inputs = append(object.Spec.Inputs, inputSpec(input))
		}
		list = append(list, object)
	}
	return list
}

func over(below, above map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, below)
	maps.Copy(all, above)
	return all
}

func inputSpec(input model.ButtonInput) v1alpha1.UIInputSpec {
	spec := v1alpha1.UIInputSpec{Name: input.Name, Label: input.Label}
	switch {
	case input.Text != nil:
		spec.Text = &v1alpha1.UITextInputSpec{DefaultValue: input.Text.Default, Placeholder: input.Text.Placeholder}
	case input.Bool != nil:
		spec.Bool = &v1alpha1.UIBoolInputSpec{
			DefaultValue: input.Bool.Default, TrueString: input.Bool.True, FalseString: input.Bool.False,
		}
	case input.Hidden != nil:
		spec.Hidden = &v1alpha1.UIHiddenInputSpec{Value: *input.Hidden}
	case input.Choice != nil:
		spec.Choice = &v1alpha1.UIChoiceInputSpec{Choices: slices.Clone(input.Choice.Choices)}
	}
	return spec
}

// Inputs are the environment variables that the inputs of a pressed button stand for, as "KEY=value" entries. An input
// without a value has its default.
func Inputs(button *v1alpha1.UIButton) []string {
	values := map[string]v1alpha1.UIInputStatus{}
	for _, value := range button.Status.Inputs {
		values[value.Name] = value
	}
	var entries []string
	for i := range button.Spec.Inputs {
		spec := &button.Spec.Inputs[i]
		entries = append(entries, spec.Name+"="+inputValue(spec, values[spec.Name]))
	}
	return entries
}

func inputValue(spec *v1alpha1.UIInputSpec, given v1alpha1.UIInputStatus) string {
	switch {
	case spec.Text != nil && given.Text != nil:
		return given.Text.Value
	case spec.Text != nil:
		return spec.Text.DefaultValue
	case spec.Bool != nil:
		yes := spec.Bool.DefaultValue
		if given.Bool != nil {
			yes = given.Bool.Value
		}
		text, otherwise := spec.Bool.FalseString, "false"
		if yes {
			text, otherwise = spec.Bool.TrueString, "true"
		}
		return *cmp.Or(text, &otherwise)
	case spec.Hidden != nil:
		return spec.Hidden.Value
	case spec.Choice != nil && given.Choice != nil:
		return given.Choice.Value
	case spec.Choice != nil && len(spec.Choice.Choices) > 0:
		return spec.Choice.Choices[0]
	default:
		return ""
	}
}
