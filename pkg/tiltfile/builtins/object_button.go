// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"
)

// addButtonParts adds the builtins of the parts of a button.
func addButtonParts(l Library) {
	addPart[uiComponentLocation](l)
	addPart[uiInputSpec](l)
	addPart[uiTextInputSpec](l)
	addPart[uiBoolInputSpec](l)
	addPart[uiChoiceInputSpec](l)
	addPart[uiHiddenInputSpec](l)
}

// button is v1alpha1.ui_button(name, ...). It is only checked: there is no page for it.
func (o *Objects) button(_ *Call, a struct {
	Metadata
	Location     partOf[uiComponentLocation] `arg:"location??"`
	Text         string                      `arg:"text??"`
	IconName     string                      `arg:"icon_name??"`
	IconSVG      string                      `arg:"icon_svg??"`
	Disabled     bool                        `arg:"disabled??"`
	Confirmation bool                        `arg:"requires_confirmation??"`
	Modal        bool                        `arg:"show_inputs_as_modal??"`
	Inputs       partList[uiInputSpec]       `arg:"inputs??"`
}) (starlark.Value, error) {
	switch {
	case a.Location.part == nil:
		return nil, errors.New("location must be given")
	case a.Text == "":
		return nil, errors.New("text must not be empty")
	}
	seen := map[string]bool{}
	for _, input := range a.Inputs {
		if seen[input.Name] {
			return nil, fmt.Errorf("two inputs are named %q", input.Name)
		}
		seen[input.Name] = true
	}
	return nil, nil
}

type uiComponentLocation struct {
	Part `builtin:"v1alpha1.ui_component_location"`
	ID   string `arg:"component_id??"`
	Type string `arg:"component_type??"`
}

func (l *uiComponentLocation) check() error {
	switch {
	case l.ID == "":
		return errors.New("component_id must not be empty")
	case l.Type == "":
		return errors.New("component_type must not be empty")
	}
	return nil
}

type uiInputSpec struct {
	Part   `builtin:"v1alpha1.ui_input_spec"`
	Name   string                    `arg:"name??"`
	Label  string                    `arg:"label??"`
	Text   partOf[uiTextInputSpec]   `arg:"text??"`
	Bool   partOf[uiBoolInputSpec]   `arg:"bool??"`
	Hidden partOf[uiHiddenInputSpec] `arg:"hidden??"`
	Choice partOf[uiChoiceInputSpec] `arg:"choice??"`
}

func (i *uiInputSpec) check() error {
	if i.Name == "" {
		return errors.New("name must not be empty")
	}
	return exactlyOne("text, bool, hidden, or choice",
		i.Text.part != nil, i.Bool.part != nil, i.Hidden.part != nil, i.Choice.part != nil)
}

type uiTextInputSpec struct {
	Part        `builtin:"v1alpha1.ui_text_input_spec"`
	Default     string `arg:"default_value??"`
	Placeholder string `arg:"placeholder??"`
}

type uiBoolInputSpec struct {
	Part        `builtin:"v1alpha1.ui_bool_input_spec"`
	Default     bool   `arg:"default_value??"`
	TrueString  string `arg:"true_string??"`
	FalseString string `arg:"false_string??"`
}

type uiChoiceInputSpec struct {
	Part    `builtin:"v1alpha1.ui_choice_input_spec"`
	Choices StringList `arg:"choices??"`
}

type uiHiddenInputSpec struct {
	Part  `builtin:"v1alpha1.ui_hidden_input_spec"`
	Value string `arg:"value??"`
}
