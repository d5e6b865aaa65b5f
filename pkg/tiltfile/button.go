// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"
)

// addButtonParts adds the builtins of what a button consists of.
func addButtonParts(l library) {
	addPart[uiComponentLocation](l)
	addPart[uiInputSpec](l)
	addPart[uiTextInputSpec](l)
	addPart[uiBoolInputSpec](l)
	addPart[uiChoiceInputSpec](l)
	addPart[uiHiddenInputSpec](l)
}

// defineButton is v1alpha1.ui_button(name, labels, annotations, location, text,
// icon_name, icon_svg, disabled, requires_confirmation, show_inputs_as_modal,
// inputs). There's no page on which it could be, so that it's only checked.
func (e *evaluation) defineButton(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var m metadata
	var location partArgument[uiComponentLocation, *uiComponentLocation]
	var text, iconName, iconSVG string
	var disabled, confirmation, modal bool
	var inputs partList[uiInputSpec, *uiInputSpec]
	err := e.objects.define(fn, args, kwargs, &m,
		"location??", &location,
		"text??", &text,
		"icon_name??", &iconName,
		"icon_svg??", &iconSVG,
		"disabled??", &disabled,
		"requires_confirmation??", &confirmation,
		"show_inputs_as_modal??", &modal,
		"inputs??", &inputs,
	)
	switch {
	case err != nil:
		return nil, err
	case location.part == nil:
		return nil, errors.New("location must be given")
	case text == "":
		return nil, errors.New("text must not be empty")
	}
	seen := map[string]bool{}
	for _, input := range inputs {
		if seen[input.name] {
			return nil, fmt.Errorf("two inputs are named %q", input.name)
		}
		seen[input.name] = true
	}
	return starlark.None, nil
}

// uiComponentLocation is v1alpha1.ui_component_location(component_id,
// component_type).
type uiComponentLocation struct {
	id, kind string
}

func (*uiComponentLocation) builtin() string { return "v1alpha1.ui_component_location" }

func (c *uiComponentLocation) pairs() []any {
	return []any{"component_id??", &c.id, "component_type??", &c.kind}
}

func (c *uiComponentLocation) check() error {
	switch {
	case c.id == "":
		return errors.New("component_id must not be empty")
	case c.kind == "":
		return errors.New("component_type must not be empty")
	}
	return nil
}

// uiInputSpec is v1alpha1.ui_input_spec(name, label, text, bool, hidden, choice).
type uiInputSpec struct {
	name, label string
	text        partArgument[uiTextInputSpec, *uiTextInputSpec]
	bool        partArgument[uiBoolInputSpec, *uiBoolInputSpec]
	hidden      partArgument[uiHiddenInputSpec, *uiHiddenInputSpec]
	choice      partArgument[uiChoiceInputSpec, *uiChoiceInputSpec]
}

func (*uiInputSpec) builtin() string { return "v1alpha1.ui_input_spec" }

func (i *uiInputSpec) pairs() []any {
	return []any{
		"name??", &i.name, "label??", &i.label,
		"text??", &i.text, "bool??", &i.bool, "hidden??", &i.hidden, "choice??", &i.choice,
	}
}

func (i *uiInputSpec) check() error {
	if i.name == "" {
		return errors.New("name must not be empty")
	}
	return exactlyOne("text, bool, hidden, or choice",
		i.text.part != nil, i.bool.part != nil, i.hidden.part != nil, i.choice.part != nil)
}

// uiTextInputSpec is v1alpha1.ui_text_input_spec(default_value, placeholder).
type uiTextInputSpec struct {
	unchecked
	value, placeholder string
}

func (*uiTextInputSpec) builtin() string { return "v1alpha1.ui_text_input_spec" }

func (i *uiTextInputSpec) pairs() []any {
	return []any{"default_value??", &i.value, "placeholder??", &i.placeholder}
}

// uiBoolInputSpec is v1alpha1.ui_bool_input_spec(default_value, true_string,
// false_string).
type uiBoolInputSpec struct {
	unchecked
	value                   bool
	trueString, falseString string
}

func (*uiBoolInputSpec) builtin() string { return "v1alpha1.ui_bool_input_spec" }

func (i *uiBoolInputSpec) pairs() []any {
	return []any{"default_value??", &i.value, "true_string??", &i.trueString, "false_string??", &i.falseString}
}

// uiChoiceInputSpec is v1alpha1.ui_choice_input_spec(choices).
type uiChoiceInputSpec struct {
	unchecked
	choices stringList
}

func (*uiChoiceInputSpec) builtin() string { return "v1alpha1.ui_choice_input_spec" }
func (i *uiChoiceInputSpec) pairs() []any  { return []any{"choices??", &i.choices} }

// uiHiddenInputSpec is v1alpha1.ui_hidden_input_spec(value).
type uiHiddenInputSpec struct {
	unchecked
	value string
}

func (*uiHiddenInputSpec) builtin() string { return "v1alpha1.ui_hidden_input_spec" }
func (i *uiHiddenInputSpec) pairs() []any  { return []any{"value??", &i.value} }
